/* A disk that can lose power and that can fail, for LD_PRELOAD.
 *
 * DISK_ROOT    folder whose files are watched
 * DISK_SHADOW  folder that gets the bytes of each file when they are fsynced, and none before: what a power cut leaves
 * DISK_BROKEN  path; while it exists every fsync fails with EIO
 *
 * The model is a lenient one: a rename or a deletion is on the disk at once, a file's name with its first fsync. SQLite's
 * -shm files are left out, as they never outlive a machine. Names are full paths, as this project uses them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEXT(name) ({ static __typeof__(&name) next; if (!next) next = dlsym(RTLD_NEXT, #name); next; })
#define MAX_FILES 256
#define MAX_DESCRIPTORS 4096

struct file { char path[512]; off_t dirty_from, dirty_to; };

static struct file files[MAX_FILES];        /* files[0] stands for "not watched" */
static short file_of[MAX_DESCRIPTORS];
static const char *root, *shadow, *broken;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void)
{
    root = getenv("DISK_ROOT");
    shadow = getenv("DISK_SHADOW");
    broken = getenv("DISK_BROKEN");
}

static int is_watched(const char *path)
{
    size_t length = root ? strlen(root) : 0, end = strlen(path);
    return length && !strncmp(path, root, length) && path[length] == '/' && (end < 4 || strcmp(path + end - 4, "-shm"));
}

static void shadow_path(char *out, size_t size, const char *path)
{
    snprintf(out, size, "%s%s", shadow, path + strlen(root));
}

static struct file *watched_file(int descriptor)
{
    return descriptor >= 0 && descriptor < MAX_DESCRIPTORS && file_of[descriptor] ? &files[file_of[descriptor]] : NULL;
}

static int find_file(const char *path)
{
    int index, empty = 0;
    for (index = 1; index < MAX_FILES; index++) {
        if (!strcmp(files[index].path, path))
            return index;
        if (!empty && !files[index].path[0])
            empty = index;
    }
    if (empty) {
        snprintf(files[empty].path, sizeof files[empty].path, "%s", path);
        files[empty].dirty_from = files[empty].dirty_to = -1;
    }
    return empty;
}

static int opened(int descriptor, const char *path)
{
    if (descriptor >= 0 && descriptor < MAX_DESCRIPTORS) {
        pthread_mutex_lock(&lock);
        file_of[descriptor] = is_watched(path) ? find_file(path) : 0;
        pthread_mutex_unlock(&lock);
    }
    return descriptor;
}

static void written(int descriptor, off_t from, off_t to)
{
    pthread_mutex_lock(&lock);
    struct file *file = watched_file(descriptor);
    if (file) {
        if (file->dirty_from < 0 || from < file->dirty_from)
            file->dirty_from = from;
        if (to > file->dirty_to)
            file->dirty_to = to;
    }
    pthread_mutex_unlock(&lock);
}

static void save(int descriptor)
{
    char path[1024], buffer[65536];
    struct stat status;
    pthread_mutex_lock(&lock);
    struct file *file = watched_file(descriptor);
    if (file && !fstat(descriptor, &status)) {
        shadow_path(path, sizeof path, file->path);
        int copy = NEXT(open)(path, O_RDWR | O_CREAT, 0600);
        for (off_t at = file->dirty_from; at >= 0 && at < file->dirty_to;) {
            off_t rest = file->dirty_to - at;
            ssize_t got = pread(descriptor, buffer, rest < (off_t)sizeof buffer ? (size_t)rest : sizeof buffer, at);
            if (got <= 0)
                break;
            NEXT(pwrite)(copy, buffer, got, at);
            at += got;
        }
        NEXT(ftruncate)(copy, status.st_size);
        NEXT(close)(copy);
        file->dirty_from = file->dirty_to = -1;
    }
    pthread_mutex_unlock(&lock);
}

static int synced(int descriptor, int result)
{
    if (broken && watched_file(descriptor) && !access(broken, F_OK)) {
        errno = EIO;
        return -1;
    }
    if (!result)
        save(descriptor);
    return result;
}

#define OPEN(name)                                                              \
    int name(const char *path, int flags, ...)                                  \
    {                                                                           \
        va_list rest;                                                           \
        va_start(rest, flags);                                                  \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                           \
        return opened(NEXT(name)(path, flags, mode), path);                     \
    }
OPEN(open)
OPEN(open64)

int close(int descriptor)
{
    if (descriptor >= 0 && descriptor < MAX_DESCRIPTORS)
        file_of[descriptor] = 0;
    return NEXT(close)(descriptor);
}

#define PWRITE(name, offset_type)                                                          \
    ssize_t name(int descriptor, const void *bytes, size_t size, offset_type at)           \
    {                                                                                      \
        ssize_t put = NEXT(name)(descriptor, bytes, size, at);                             \
        if (put > 0)                                                                       \
            written(descriptor, at, at + put);                                             \
        return put;                                                                        \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t write(int descriptor, const void *bytes, size_t size)
{
    ssize_t put = NEXT(write)(descriptor, bytes, size);
    if (put > 0 && watched_file(descriptor)) {
        off_t end = lseek(descriptor, 0, SEEK_CUR);
        written(descriptor, end - put, end);
    }
    return put;
}

int fsync(int descriptor) { return synced(descriptor, NEXT(fsync)(descriptor)); }
int fdatasync(int descriptor) { return synced(descriptor, NEXT(fdatasync)(descriptor)); }

int unlink(const char *path)
{
    char copy[1024];
    int result = NEXT(unlink)(path);
    if (!result && is_watched(path)) {
        shadow_path(copy, sizeof copy, path);
        NEXT(unlink)(copy);
    }
    return result;
}

int rename(const char *from, const char *to)
{
    char copy_from[1024], copy_to[1024];
    int result = NEXT(rename)(from, to);
    if (!result && is_watched(from) && is_watched(to)) {
        shadow_path(copy_from, sizeof copy_from, from);
        shadow_path(copy_to, sizeof copy_to, to);
        NEXT(rename)(copy_from, copy_to);
        pthread_mutex_lock(&lock);
        int index = find_file(from);
        snprintf(files[index].path, sizeof files[index].path, "%s", to);
        pthread_mutex_unlock(&lock);
    }
    return result;
}
