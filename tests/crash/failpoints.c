/* Dies, or says that the disk is full, at the n-th change that a process makes below one folder.
 *
 * Loaded with LD_PRELOAD, so that the program under test holds no line for it: every call by which CPython and SQLite
 * change files goes through here. Linux only: the calls are made by number, and descriptors are named by /proc.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { OFF, DIE, FULL };
enum verdict { GO, LAST, REFUSED, SHORT };

static enum mode mode;
static long calls, target;
static unsigned long seed;
static char root[PATH_MAX];

/* Calls below `folder` are counted from now on; the `nth` is the fatal one. */
void failpoints_arm(const char *folder, int wanted, long nth, unsigned long chance) {
    snprintf(root, sizeof root, "%s", folder);
    mode = wanted;
    calls = 0;
    target = nth;
    seed = chance;
}

/* Let everything through again; returns how many calls were counted. */
long failpoints_disarm(void) {
    mode = OFF;
    return calls;
}

static int below(const char *path) {
    size_t length = strlen(root);
    return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int below_fd(int fd) {
    char link[40], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

/* How much of a fatal write reaches the file: seed 0 nothing, seed 1 all of it, the others some of it. */
static size_t torn(size_t size) {
    if (seed == 0 || size == 0) return 0;
    if (seed == 1) return size;
    return (calls * 2654435761UL + seed * 40503UL) % size;
}

/* `size` is 0 for a call that happens as a whole. A disk that filled up stays full for even seeds; for odd ones
 * somebody frees space at once. */
static enum verdict decide(int watched, size_t size) {
    if (mode == OFF || !watched) return GO;
    calls++;
    if (mode == DIE) return calls == target ? LAST : GO;
    if (calls < target || (calls > target && seed % 2)) return GO;
    if (calls == target && seed > 1 && torn(size)) return SHORT;
    errno = ENOSPC;
    return REFUSED;
}

static enum verdict decide_fd(int fd, size_t size) { return mode == OFF ? GO : decide(below_fd(fd), size); }

static void die(void) { _exit(137); }

ssize_t write(int fd, const void *data, size_t size) {
    enum verdict v = decide_fd(fd, size);
    if (v == REFUSED) return -1;
    ssize_t done = syscall(SYS_write, fd, data, v == GO ? size : torn(size));
    if (v == LAST) die();
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    enum verdict v = decide_fd(fd, size);
    if (v == REFUSED) return -1;
    ssize_t done = syscall(SYS_pwrite64, fd, data, v == GO ? size : torn(size), at);
    if (v == LAST) die();
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

ssize_t writev(int fd, const struct iovec *parts, int number) {
    enum verdict v = decide_fd(fd, number);
    if (v == REFUSED) return -1;
    ssize_t done = syscall(SYS_writev, fd, parts, v == GO ? (size_t)number : torn(number));
    if (v == LAST) die();
    return done;
}

/* The other calls are atomic: an odd seed dies after one, an even seed before it. */
#define WHOLE(watched, call)               \
    enum verdict v = decide(watched, 0);      \
    if (v == REFUSED) return -1;           \
    if (v == LAST && seed % 2 == 0) die(); \
    long done = (call);                    \
    if (v == LAST) die();                  \
    return done

/* A killed process leaves the page cache behind, so waiting for the disk would prove nothing here; it is never done. */
int fsync(int fd) { WHOLE(mode != OFF && below_fd(fd), 0); }
int fdatasync(int fd) { WHOLE(mode != OFF && below_fd(fd), 0); }

int ftruncate64(int fd, off64_t size) { WHOLE(mode != OFF && below_fd(fd), syscall(SYS_ftruncate, fd, size)); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    WHOLE(below(from), syscall(SYS_renameat2, a, from, b, to, flags));
}
int renameat(int a, const char *from, int b, const char *to) { return renameat2(a, from, b, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int folder, const char *path, int flags) { WHOLE(below(path), syscall(SYS_unlinkat, folder, path, flags)); }
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int mkdirat(int folder, const char *path, mode_t bits) { WHOLE(below(path), syscall(SYS_mkdirat, folder, path, bits)); }
int mkdir(const char *path, mode_t bits) { return mkdirat(AT_FDCWD, path, bits); }

static int opened(int folder, const char *path, int flags, mode_t bits) {
    WHOLE((flags & O_CREAT) && below(path), syscall(SYS_openat, folder, path, flags, bits));
}

#define OPENED(folder)                                        \
    va_list rest;                                             \
    va_start(rest, flags);                                    \
    mode_t bits = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                             \
    return opened(folder, path, flags, bits)

int open(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int open64(const char *path, int flags, ...) { OPENED(AT_FDCWD); }
int openat(int folder, const char *path, int flags, ...) { OPENED(folder); }
int openat64(int folder, const char *path, int flags, ...) { OPENED(folder); }
