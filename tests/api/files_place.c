/* Where a saved file goes: links, devices and pipes behind links, names and paths as long as the system
 * allows. What is no regular file is never replaced. SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700 /* nftw, mknod */
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models.h"

static char folder[] = "/tmp/monoforward-place-XXXXXX";
static mf_network *network;

static int open_folder(void **state)
{
    const size_t widths[] = {3, 2};

    (void)state;
    network = make_stack(widths, 1, 2, 1, NULL);
    return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int delete_one(const char *name, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)where;
    return kind == FTW_DP ? rmdir(name) : unlink(name);
}

static int close_folder(void **state)
{
    (void)state;
    mf_network_free(network);
    return chdir("/") != 0 || nftw(folder, delete_one, 8, FTW_DEPTH | FTW_PHYS) != 0;
}

static mode_t kind_of(const char *name)
{
    struct stat info;

    return lstat(name, &info) == 0 ? info.st_mode & S_IFMT : 0;
}

static void check_loads(const char *name)
{
    mf_network *loaded = NULL;

    check_ok(mf_network_load(NULL, name, &loaded));
    mf_network_free(loaded);
}

/* The save is refused with `part` in the message, and what was there is there. */
static void check_refused(const char *name, const char *part, mode_t kind)
{
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, name));
    check_message(name);
    check_message(part);
    assert_int_equal(kind_of(name), kind);
    check_status(MF_STATUS_IO, mf_network_export_onnx(network, name));
    assert_int_equal(kind_of(name), kind);
}

static void test_only_regular_files_are_replaced(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int file = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_int_equal(bind(file, (struct sockaddr *)&address, sizeof address), 0);
    close(file);
    assert_int_equal(symlink("pipe", "to-pipe"), 0);
    assert_int_equal(symlink("to-pipe", "to-to-pipe"), 0);
    assert_int_equal(symlink("socket", "to-socket"), 0);
    assert_int_equal(symlink("dir", "to-dir"), 0);
    assert_int_equal(symlink("/dev/null", "to-null"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    check_refused("pipe", "not a regular file", S_IFIFO);
    check_refused("socket", "not a regular file", S_IFSOCK);
    check_refused("dir", "directory", S_IFDIR);
    check_refused("to-pipe", "not a regular file", S_IFLNK);
    check_refused("to-to-pipe", "not a regular file", S_IFLNK);
    check_refused("to-socket", "not a regular file", S_IFLNK);
    check_refused("to-dir", "directory", S_IFLNK);
    check_refused("to-null", "not a regular file", S_IFLNK);
    check_refused("loop", "", S_IFLNK);
    check_refused("/dev/null", "not a regular file", S_IFCHR);
    assert_int_equal(kind_of("/dev/null"), S_IFCHR);
    assert_int_equal(kind_of("pipe"), S_IFIFO);
}

/* As programs know it from open(): the link stays, the file that it leads to is the new one. */
static void test_links_are_followed(void **state)
{
    struct stat info, before;

    (void)state;
    assert_int_equal(mkdir("far", 0700), 0);
    assert_int_equal(mkdir("near", 0700), 0);
    assert_int_equal(symlink("../far/model", "near/one"), 0);
    assert_int_equal(symlink("near/one", "two"), 0);
    /* Nothing is there yet. */
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, "two"));
    assert_int_equal(kind_of("two"), S_IFLNK);
    assert_int_equal(kind_of("near/one"), S_IFLNK);
    assert_int_equal(kind_of("far/model"), S_IFREG);
    check_loads("two");
    assert_int_equal(chmod("far/model", 0640), 0);
    assert_int_equal(stat("far/model", &before), 0);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, "near/one"));
    assert_int_equal(kind_of("near/one"), S_IFLNK);
    assert_int_equal(lstat("far/model", &info), 0);
    assert_true(S_ISREG(info.st_mode) && info.st_ino != before.st_ino);
    assert_int_equal(info.st_mode & 0777, 0640);
    /* The folder that the link leads to is not there. */
    assert_int_equal(symlink("/nonexistent/model", "nowhere"), 0);
    check_refused("nowhere", "No such file", S_IFLNK);
    assert_int_equal(symlink("missing/", "slash"), 0);
    check_refused("slash", "", S_IFLNK);
    /* Folders on the way may be links as well. */
    assert_int_equal(symlink("far", "folder"), 0);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, "folder/../far/third"));
    check_loads("far/third");
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, "far/missing/"));
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, "."));
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, ""));
}

/* A link that no path stands for: to a file that has been deleted. */
static void test_a_link_to_a_deleted_file_is_refused(void **state)
{
    int file = open("deleted", O_RDWR | O_CREAT, 0600);
    char link[100];

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(unlink("deleted"), 0);
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (kind_of(link) == S_IFLNK)
        check_refused(link, "", S_IFLNK);
    assert_int_equal(kind_of("deleted (deleted)"), 0);
    close(file);
}

/* Names as long as the file system takes, and paths as long as the system takes. */
static void test_the_longest_names_work(void **state)
{
    long most = pathconf(".", _PC_NAME_MAX);
    char name[1000], deep[PATH_MAX + 8];
    size_t length = 0, total = PATH_MAX - 1;

    (void)state;
    assert_in_range(most, 14, sizeof name - 2);
    memset(name, 'n', sizeof name);
    name[most] = '\0';
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, name));
    check_loads(name);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, name));
    check_ok(mf_network_export_onnx(network, name));
    name[most] = 'n';
    name[most + 1] = '\0';
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, name));
    /* "d/d/d/.../m": every folder is made with a short path. */
    for (length = 0; length + 200 < total; length += 100) {
        memset(deep + length, 'd', 99);
        deep[length + 99] = '/';
        deep[length + 100] = '\0';
        assert_int_equal(mkdir(deep, 0700), 0);
    }
    memset(deep + length, 'm', total - length);
    deep[total] = '\0';
    assert_int_equal(strlen(deep), PATH_MAX - 1);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, deep));
    check_loads(deep);
    deep[total] = 'm';
    deep[total + 1] = '\0';
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, deep));
    /* From here the path is short enough for the system; from elsewhere it is not. */
    deep[total] = '\0';
    assert_int_equal(unlink(deep), 0);
    for (; length > 0; length -= 100) {
        deep[length - 1] = '\0';
        assert_int_equal(rmdir(deep), 0);
    }
}

/* A folder that may be searched and written, but not listed. */
static void test_a_folder_that_cannot_be_listed_works(void **state)
{
    (void)state;
    assert_int_equal(mkdir("blind", 0300), 0);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, "blind/model"));
    check_loads("blind/model");
    assert_int_equal(chmod("blind", 0700), 0);
}

/* Several processes save to one file, some through a link: none is refused, and the file is always whole. */
static void test_processes_can_save_to_one_file_at_the_same_time(void **state)
{
    enum { SAVERS = 4, SAVES = 150 };
    pid_t savers[SAVERS];

    (void)state;
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, "shared"));
    assert_int_equal(symlink("shared", "to-shared"), 0);
    for (int i = 0; i < SAVERS; i++) {
        savers[i] = fork();
        for (int k = 0; savers[i] == 0 && k < SAVES; k++)
            if (mf_network_save(network, MF_CONTENTS_MODEL, i % 2 ? "to-shared" : "shared") != MF_STATUS_OK) {
                fprintf(stderr, "%s\n", mf_last_message());
                _exit(1);
            }
        if (savers[i] == 0)
            _exit(0);
    }
    for (int i = 0; i < SAVERS; i++) {
        int status = 0;

        check_loads("to-shared");
        assert_int_equal(waitpid(savers[i], &status, 0), savers[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(kind_of("to-shared"), S_IFLNK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_regular_files_are_replaced),
        cmocka_unit_test(test_links_are_followed),
        cmocka_unit_test(test_a_link_to_a_deleted_file_is_refused),
        cmocka_unit_test(test_the_longest_names_work),
        cmocka_unit_test(test_a_folder_that_cannot_be_listed_works),
        cmocka_unit_test(test_processes_can_save_to_one_file_at_the_same_time),
    };

    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
