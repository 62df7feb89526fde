//! Where the library is: pkg-config knows, unless it lies where the linker looks anyway.
//!
//! SPDX-License-Identifier: MIT
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    println!("cargo:rustc-link-lib=dylib=monoforward");
    let asked = Command::new("pkg-config")
        .args(["--variable=libdir", "monoforward"])
        .output();
    if let Ok(answer) = asked {
        let folder = String::from_utf8_lossy(&answer.stdout);
        if answer.status.success() && !folder.trim().is_empty() {
            println!("cargo:rustc-link-search=native={}", folder.trim());
        }
    }
}
