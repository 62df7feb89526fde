# The sources of a release. cmake/packaging/fill.sh puts address and checksum in place of the words in @.
class Monoforward < Formula
  desc "Trains neural networks inside your program, without backpropagation"
  homepage "https://arxiv.org/abs/2501.09238"
  url "@URL@"
  sha256 "@SHA256@"
  license "MIT"

  depends_on "cmake" => :build
  depends_on "openblas"

  def install
    args = %w[
      -DMF_BLAS=openblas
      -DMF_MPI=off
      -DMF_REFERENCE=off
      -DMF_BUILD_EXAMPLES=OFF
      -DMF_BUILD_TESTS=OFF
    ]
    system "cmake", "-S", ".", "-B", "build", *args, *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
    pkgshare.install "cmake/packaging/conan/test_package/program.c"
  end

  test do
    system ENV.cc, pkgshare/"program.c", "-I#{include}", "-L#{lib}", "-lmonoforward", "-Wl,-rpath,#{lib}",
           "-o", "program"
    assert_match "right=4", shell_output("./program")
  end
end
