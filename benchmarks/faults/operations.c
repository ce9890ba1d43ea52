/* Counts the operations of a process on files below a folder, and has some of them fail or be its last.

   Preloaded (LD_PRELOAD), so that what libraries do in Rust or C++ is met as well as what Python does. Nothing
   happens until `faults_arm` is called, which children inherit. Each operation that is counted is a line of the
   log: its name and its path. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, CREATE = 2, WRITE = 4, SYNC = 8, RENAME = 16, MKDIR = 32, UNLINK = 64, LIST = 128, READ = 256 };

static char folder[4096];
static unsigned kinds;
static long first, times, count;
static int error; /* 0: only count; below 0: SIGKILL */
static int listed = -1;

/* `of` is the sum of the kinds that are counted, `begin` the number of the first that fails, `many` how many do
   (0: all from then on), `log` an open file. */
void faults_arm(const char *under, unsigned of, long begin, long many, int code, int log) {
    snprintf(folder, sizeof folder, "%s", under);
    kinds = of, first = begin, times = many, error = code, count = 0, listed = log;
}

/* Where a path is, in full; empty where that is not known. */
static void place(int at, const char *path, char *found) {
    char link[64];
    ssize_t length;
    if (path != NULL && path[0] == '/') {
        snprintf(found, 4096, "%s", path);
        return;
    }
    if (at == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    length = syscall(SYS_readlinkat, AT_FDCWD, link, found, 4000);
    found[length < 0 ? 0 : length] = 0;
    if (path != NULL && length >= 0)
        snprintf(found + length, 4096 - length, "/%s", path);
}

/* Whether this operation is to fail; `errno` is set then. */
static int fails(unsigned kind, const char *name, int at, const char *path) {
    char found[4096], line[4200];
    size_t length = strlen(folder);
    int before = errno, size;
    long number;
    if (!(kinds & kind))
        return 0;
    place(at, path, found);
    errno = before;
    if (strncmp(found, folder, length) != 0 || (found[length] != '/' && found[length] != 0))
        return 0;
    number = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    size = snprintf(line, sizeof line, "%s %s\n", name, found + length);
    syscall(SYS_write, listed, line, (size_t)size);
    errno = before;
    if (error == 0 || number < first || (times != 0 && number >= first + times))
        return 0;
    if (error < 0)
        kill(getpid(), SIGKILL);
    errno = error;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (real == NULL) \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define WANTED(flags) ((flags) & (O_WRONLY | O_RDWR) ? CREATE : OPEN), (flags) & (O_WRONLY | O_RDWR) ? "create" : "open"

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        MODE(flags) \
        REAL(int, #name, const char *, int, ...); \
        return fails(WANTED(flags), AT_FDCWD, path) ? -1 : real(path, flags, mode); \
    }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name) \
    int name(int at, const char *path, int flags, ...) { \
        MODE(flags) \
        REAL(int, #name, int, const char *, int, ...); \
        return fails(WANTED(flags), at, path) ? -1 : real(at, path, flags, mode); \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

#define STREAMS(name) \
    FILE *name(const char *path, const char *mode) { \
        int flags = strpbrk(mode, "wa+") ? O_WRONLY : O_RDONLY; \
        REAL(FILE *, #name, const char *, const char *); \
        return fails(WANTED(flags), AT_FDCWD, path) ? NULL : real(path, mode); \
    }
STREAMS(fopen)
STREAMS(fopen64)

ssize_t write(int file, const void *content, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return fails(WRITE, "write", file, NULL) ? -1 : real(file, content, size);
}

ssize_t writev(int file, const struct iovec *parts, int size) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    return fails(WRITE, "write", file, NULL) ? -1 : real(file, parts, size);
}

ssize_t pwrite64(int file, const void *content, size_t size, off64_t start) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return fails(WRITE, "write", file, NULL) ? -1 : real(file, content, size, start);
}

int ftruncate64(int file, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    return fails(WRITE, "truncate", file, NULL) ? -1 : real(file, size);
}

ssize_t read(int file, void *content, size_t size) {
    REAL(ssize_t, "read", int, void *, size_t);
    return fails(READ, "read", file, NULL) ? -1 : real(file, content, size);
}

int fsync(int file) {
    REAL(int, "fsync", int);
    return fails(SYNC, "fsync", file, NULL) ? -1 : real(file);
}

int fdatasync(int file) {
    REAL(int, "fdatasync", int);
    return fails(SYNC, "fsync", file, NULL) ? -1 : real(file);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return fails(RENAME, "rename", AT_FDCWD, to) ? -1 : real(from, to);
}

int renameat(int at, const char *from, int there, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    return fails(RENAME, "rename", there, to) ? -1 : real(at, from, there, to);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return fails(MKDIR, "mkdir", AT_FDCWD, path) ? -1 : real(path, mode);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    return fails(UNLINK, "unlink", AT_FDCWD, path) ? -1 : real(path);
}

int unlinkat(int at, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    return fails(UNLINK, "unlink", at, path) ? -1 : real(at, path, flags);
}

int rmdir(const char *path) {
    REAL(int, "rmdir", const char *);
    return fails(UNLINK, "unlink", AT_FDCWD, path) ? -1 : real(path);
}

DIR *opendir(const char *path) {
    REAL(DIR *, "opendir", const char *);
    return fails(LIST, "list", AT_FDCWD, path) ? NULL : real(path);
}

DIR *fdopendir(int file) {
    REAL(DIR *, "fdopendir", int);
    return fails(LIST, "list", file, NULL) ? NULL : real(file);
}
