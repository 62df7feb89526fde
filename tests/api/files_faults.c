/* What the system does to a save: signals that interrupt its calls, a folder that cannot be synced, names
 * that are taken. The test stands between the library and the C library's calls, and looks at the file while
 * it is written. SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* EDQUOT, syscall */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "memory.h"
#include "models.h"
#include "system_faults.h"

static char folder[] = "/tmp/monoforward-faults-XXXXXX";
static char path[200];

static int open_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int no_faults(void **state)
{
    (void)state;
    memset(&faults, 0, sizeof faults);
    return 0;
}

static int litter(void)
{
    DIR *list = opendir(folder);
    int count = 0;

    assert_non_null(list);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        count += entry->d_name[0] != '.' && strcmp(entry->d_name, "model.safetensors") != 0;
    closedir(list);
    return count;
}

static mf_network *small(void)
{
    const size_t widths[] = {3, 2};

    return make_stack(widths, 1, 2, 1, NULL);
}

/* ---- who may read it ---- */

/* From before the first byte to the end, the new file is as closed as the old one; as it is created, to all
 * but its owner, for whoever has opened it by then reads what comes. */
static void test_a_new_file_is_never_more_open_than_the_old_one(void **state)
{
    static const mode_t modes[] = {0600, 0640, 0400, 0660};
    mf_network *network = small();
    mode_t umask_before = umask(022);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct stat info;

        unlink(path);
        check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
        assert_int_equal(chmod(path, modes[i]), 0);
        memset(&faults, 0, sizeof faults);
        check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
        assert_true(faults.writes > 0);
        assert_int_equal(faults.created, 0600);
        assert_int_equal(faults.widest, modes[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, modes[i]);
    }
    umask(umask_before);
    mf_network_free(network);
}

static void test_new_files_follow_the_umask(void **state)
{
    static const mode_t masks[] = {022, 077, 002, 0};
    mf_network *network = small();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(masks); i++) {
        mode_t before = umask(masks[i]);

        unlink(path);
        memset(&faults, 0, sizeof faults);
        check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
        umask(before);
        assert_int_equal(faults.widest, 0666 & ~masks[i]);
        assert_int_equal(faults.written.st_mode & 0777, 0666 & ~masks[i]);
    }
    mf_network_free(network);
}

/* The superuser saves over a user's file: it is the user's still, and no one else's meanwhile. */
static void test_the_owner_is_kept(void **state)
{
    mf_network *network = small();
    struct stat info;

    (void)state;
    if (geteuid() != 0) {
        mf_network_free(network);
        skip_because("only the superuser gives files away");
    }
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(chown(path, 12345, 23456), 0);
    assert_int_equal(chmod(path, 0640), 0);
    memset(&faults, 0, sizeof faults);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(faults.written.st_uid, 12345);
    assert_int_equal(faults.written.st_gid, 23456);
    assert_int_equal(faults.created, 0600);
    assert_int_equal(faults.widest, 0640);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, 12345);
    assert_int_equal(info.st_gid, 23456);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(unlink(path), 0);
    mf_network_free(network);
}

/* Who may not give the file to the old one's group does not give the group's rights to another group. */
static void test_another_group_does_not_get_the_old_groups_permissions(void **state)
{
    mf_network *network = small();
    struct stat info;
    int status = 0;
    pid_t child;

    (void)state;
    if (geteuid() != 0) {
        mf_network_free(network);
        skip_because("only the superuser gives files away");
    }
    unlink(path);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(chown(path, 12345, 23456), 0);
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    child = fork();
    if (child == 0) {
        if (setgid(34567) != 0 || setuid(34567) != 0)
            _exit(2);
        mf_status saved = mf_network_save(network, MF_CONTENTS_MODEL, path);
        mf_network_free(network);
        _exit(saved != MF_STATUS_OK);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, 34567);
    assert_int_equal(info.st_mode & 07777, 0644);
    assert_int_equal(unlink(path), 0);
    mf_network_free(network);
}

/* An access control list by which the group has no permissions, and another user may read and write. */
static const unsigned char list[] = {
    2,    0, 0, 0,                         /* version */
    1,    0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* the owner: rw */
    2,    0, 6, 0, 0x39, 0x30, 0,    0,    /* user 12345: rw */
    4,    0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* the group: nothing */
    0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* the most: rw */
    0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* others: nothing */
};

/* With a list, the group's permissions in the mode are the most that anyone in it has. The list is kept; without it
 * the group still has nothing. */
static void test_the_access_control_list_is_kept(void **state)
{
    mf_network *network = small();
    unsigned char found[sizeof list + 8];

    (void)state;
    unlink(path);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    if (setxattr(path, "system.posix_acl_access", list, sizeof list, 0) != 0) {
        mf_network_free(network);
        skip_because("the file system has no access control lists");
    }
    memset(&faults, 0, sizeof faults);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(getxattr(path, "system.posix_acl_access", found, sizeof found), sizeof list);
    assert_memory_equal(found, list, sizeof list);
    assert_int_equal(faults.created, 0600);
    assert_int_equal(faults.widest, 0660);
    memset(&faults, 0, sizeof faults);
    faults.no_lists = 1;
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(faults.widest, 0600);
    mf_network_free(network);
}

/* A folder may give lists to new files. A file that had none is not replaced by one that lets others in. */
static void test_a_list_of_the_folder_does_not_reach_a_file_that_had_none(void **state)
{
    mf_network *network = small();
    struct stat info;
    unsigned char found[sizeof list];

    (void)state;
    unlink(path);
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(chmod(path, 0640), 0);
    if (setxattr(folder, "system.posix_acl_default", list, sizeof list, 0) != 0) {
        mf_network_free(network);
        skip_because("the file system has no access control lists");
    }
    mf_status status = mf_network_save(network, MF_CONTENTS_MODEL, path);
    assert_int_equal(removexattr(folder, "system.posix_acl_default"), 0);
    check_ok(status);
    assert_int_equal(getxattr(path, "system.posix_acl_access", found, sizeof found), -1);
    assert_int_equal(errno, ENODATA);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(unlink(path), 0);
    mf_network_free(network);
}

/* ---- names of temporary files ---- */

/* A process whose id another one had, which was killed, finds all its names taken. */
static void test_leftover_temporary_files_do_not_block_a_save(void **state)
{
    enum { LEFT = 300 };
    mf_network *network = small();
    char name[300];

    (void)state;
    unlink(path);
    for (int i = 0; i < LEFT; i++) {
        snprintf(name, sizeof name, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        FILE *file = fopen(name, "w");
        assert_non_null(file);
        fclose(file);
    }
    mf_status status = mf_network_save(network, MF_CONTENTS_MODEL, path);
    for (int i = 0; i < LEFT; i++) {
        snprintf(name, sizeof name, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        assert_int_equal(unlink(name), 0);
    }
    check_ok(status);
    assert_int_equal(litter(), 0);
    mf_network_free(network);
}

typedef char file_name[sizeof faults.name[0]];

/* A copy of this process that saves, and writes the name that it tried first to `end`; 1 if the save failed.
 */
static pid_t save_in_a_copy(mf_network *network, int end)
{
    pid_t child = fork();

    if (child == 0) {
        mf_status status = mf_network_save(network, MF_CONTENTS_MODEL, path);

        syscall(SYS_write, end, faults.name[0], sizeof(file_name));
        mf_network_free(network);
        _exit(status != MF_STATUS_OK);
    }
    return child;
}

static void check_copy(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Names are tried until one is free, and no two processes try the same, though one is a copy of the other. */
static void test_temporary_names_differ(void **state)
{
    mf_network *network = small();
    int ends[2];
    file_name childs = "";

    (void)state;
    faults.taken = 50;
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(faults.names, 51);
    for (size_t i = 0; i < faults.names; i++) {
        assert_in_range(strlen(faults.name[i]), 1, 255);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(faults.name[i], faults.name[j]);
    }
    assert_int_equal(pipe(ends), 0);
    memset(&faults, 0, sizeof faults);
    pid_t child = save_in_a_copy(network, ends[1]);

    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(read(ends[0], childs, sizeof childs), sizeof childs);
    check_copy(child);
    close(ends[0]);
    close(ends[1]);
    assert_true(strlen(childs) > 0);
    assert_string_not_equal(childs, faults.name[0]);
    /* All are taken: a status, not a search without end. */
    faults.taken = 1 << 30;
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_in_range(faults.names, 1, 10000);
    assert_int_equal(litter(), 0);
    mf_network_free(network);
}

/* In containers every process may have the same id: two copies that begin with the same count of names, in
 * one folder, are told apart by the time alone. */
static void test_names_differ_where_process_ids_do_not(void **state)
{
    mf_network *network = small(), *loaded = NULL;
    file_name names[2] = {"", ""};
    pid_t copies[2];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    faults.pid = 7;
    assert_int_equal(getpid(), 7);
    for (int i = 0; i < 2; i++)
        copies[i] = save_in_a_copy(network, ends[1]);
    for (int i = 0; i < 2; i++) {
        check_copy(copies[i]);
        assert_int_equal(read(ends[0], names[i], sizeof names[i]), sizeof names[i]);
        assert_true(strlen(names[i]) > 0);
    }
    close(ends[0]);
    close(ends[1]);
    assert_string_not_equal(names[0], names[1]);
    assert_int_equal(litter(), 0);
    check_ok(mf_network_load(NULL, path, &loaded));
    mf_network_free(loaded);
    mf_network_free(network);
}

/* ---- what fails on the way ---- */

static void test_a_signal_does_not_break_a_save(void **state)
{
    mf_network *network = small(), *loaded = NULL;

    (void)state;
    faults.interrupted = 1;
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    assert_int_equal(faults.syncs, 1);
    assert_int_equal(faults.folder_syncs, 1);
    check_ok(mf_network_load(NULL, path, &loaded));
    assert_int_equal(litter(), 0);
    mf_network_free(loaded);
    mf_network_free(network);
}

/* Links that somebody changes between two looks: they lead on and on, or to a name that is too long. */
static void test_links_that_change_are_refused(void **state)
{
    static char longest[PATH_MAX];
    mf_network *network = small();

    (void)state;
    unlink(path);
    memset(longest, 'a', sizeof longest - 1);
    faults.link = "model.safetensors";
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, path));
    check_message(strerror(ELOOP));
    faults.link = longest;
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, path));
    check_message(strerror(ENAMETOOLONG));
    assert_int_equal(litter(), 0);
    faults.link = NULL;
    check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    mf_network_free(network);
}

/* An error that the system has no words for. */
static void test_an_unknown_error_has_its_number(void **state)
{
    mf_network *network = small();

    (void)state;
    faults.kind = CALL_OPEN;
    faults.error = 9999;
    faults.nth = 1;
    check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, path));
    check_message(": error 9999");
    check_message(path);
    mf_network_free(network);
}

/* docs/files.md: after any failure the path holds one whole file; the new one only if the folder alone could
 * not be synced, which the message says. */
static void test_a_folder_that_cannot_be_synced_is_reported(void **state)
{
    static const int errors[] = {EIO, ENOSPC, EDQUOT}, harmless[] = {EINVAL, EROFS, ENOTSUP};
    mf_network *network = small(), *loaded = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        unlink(path);
        faults.folder_error = errors[i];
        check_status(MF_STATUS_IO, mf_network_save(network, MF_CONTENTS_MODEL, path));
        check_message("saved");
        check_message(path);
        check_ok(mf_network_load(NULL, path, &loaded));
        mf_network_free(loaded);
        assert_int_equal(litter(), 0);
    }
    /* File systems that have no such thing. */
    for (size_t i = 0; i < COUNT_OF(harmless); i++) {
        faults.folder_error = harmless[i];
        check_ok(mf_network_save(network, MF_CONTENTS_MODEL, path));
    }
    mf_network_free(network);
}

typedef struct loaded {
    mf_load_spec spec;
    mf_network *network;
    mf_status status;
} loaded;

static void *save_alone(void *network)
{
    static mf_status status;

    status = mf_network_save(network, MF_CONTENTS_MODEL, path);
    return &status;
}

static void *load_alone(void *argument)
{
    loaded *l = argument;

    l->status = mf_network_load(&l->spec, path, &l->network);
    return l;
}

/* The thread ends behind the call, which leaves no file, no descriptor and no memory. */
static void test_a_cancelled_thread_leaves_nothing_behind(void **state)
{
    mf_network *network = small();
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    loaded l = {.network = NULL};
    int before;
    pthread_t thread;
    void *result = NULL;

    (void)state;
    unlink(path);
    before = open_files();
    faults.cancelled = 1;
    assert_int_equal(pthread_create(&thread, NULL, save_alone, network), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal(litter(), 0);
    assert_int_equal(open_files(), before);
    assert_true(result != PTHREAD_CANCELED); /* it has met no cancellation point since */
    assert_int_equal(*(mf_status *)result, MF_STATUS_OK);
    check_ok(mf_load_spec_init(&l.spec, sizeof l.spec));
    l.spec.allocator = &allocator;
    assert_int_equal(pthread_create(&thread, NULL, load_alone, &l), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal(open_files(), before);
    assert_true(result == &l);
    check_ok(l.status);
    mf_network_free(l.network);
    assert_int_equal(memory.blocks_out, 0);
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_new_file_is_never_more_open_than_the_old_one, no_faults),
        cmocka_unit_test_setup(test_new_files_follow_the_umask, no_faults),
        cmocka_unit_test_setup(test_the_owner_is_kept, no_faults),
        cmocka_unit_test_setup(test_another_group_does_not_get_the_old_groups_permissions, no_faults),
        cmocka_unit_test_setup(test_the_access_control_list_is_kept, no_faults),
        cmocka_unit_test_setup(test_a_list_of_the_folder_does_not_reach_a_file_that_had_none, no_faults),
        cmocka_unit_test_setup(test_leftover_temporary_files_do_not_block_a_save, no_faults),
        cmocka_unit_test_setup(test_temporary_names_differ, no_faults),
        cmocka_unit_test_setup(test_names_differ_where_process_ids_do_not, no_faults),
        cmocka_unit_test_setup(test_a_signal_does_not_break_a_save, no_faults),
        cmocka_unit_test_setup(test_a_folder_that_cannot_be_synced_is_reported, no_faults),
        cmocka_unit_test_setup(test_links_that_change_are_refused, no_faults),
        cmocka_unit_test_setup(test_an_unknown_error_has_its_number, no_faults),
        cmocka_unit_test_setup(test_a_cancelled_thread_leaves_nothing_behind, no_faults),
    };

    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
