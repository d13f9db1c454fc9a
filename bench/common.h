/* What client.c, publish.c and floor.c share: time, failure, samples with percentiles, sockets on one IPv4 address.
 *
 * All three are single-threaded, Linux only (epoll), and print one JSON object per line on stdout. Times are
 * CLOCK_MONOTONIC nanoseconds, which mean the same in every process of one machine: that is how publish.c's stamp
 * and client.c's clock give a latency. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A stamp is this byte and 19 decimal digits of CLOCK_MONOTONIC nanoseconds, inside a string value. */
#define STAMP_MARK '@'
#define STAMP_DIGITS 19
#define STAMP_EMPTY "@0000000000000000000"

static inline void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

static inline void *checked(void *memory) {
    if (!memory) die("out of memory");
    return memory;
}

static inline uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Writes `value` with exactly `digits` digits, zeros in front, no terminator. */
static inline void put_digits(char *at, int digits, uint64_t value) {
    for (int i = digits - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
}

/* Durations of one window, in units of 100 ns, so that 32 bits reach 429 s. */
struct samples {
    uint32_t *values;
    size_t count, capacity;
};

static inline void samples_add(struct samples *samples, uint64_t duration_ns) {
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? samples->capacity * 2 : 4096;
        samples->values = checked(realloc(samples->values, samples->capacity * sizeof *samples->values));
    }
    uint64_t value = duration_ns / 100;
    samples->values[samples->count++] = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static inline int compare_samples(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Call once per window, before samples_ms. */
static inline void samples_sort(struct samples *samples) {
    if (samples->count) qsort(samples->values, samples->count, sizeof *samples->values, compare_samples);
}

/* The given quantile (0 to 1) in milliseconds; -1 when there are no samples. */
static inline double samples_ms(const struct samples *samples, double quantile) {
    if (!samples->count) return -1;
    return samples->values[(size_t)(quantile * (double)(samples->count - 1) + 0.5)] / 1e4;
}

static inline struct sockaddr_in address_of(const char *host, const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("not an IPv4 address: %s", host);
    return address;
}

static inline void set_nodelay(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* `extra` is EPOLLOUT or 0; `key` comes back in the event. */
static inline void watch(int epoll, int operation, int fd, uint32_t extra, uint64_t key) {
    struct epoll_event event = {.events = EPOLLIN | extra, .data.u64 = key};
    if (epoll_ctl(epoll, operation, fd, &event) < 0) die("epoll_ctl on %d: %s", fd, strerror(errno));
}

/* Reads a whole file; the byte after the last is 0. */
static inline char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) die("%s: %s", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *text = checked(malloc(*size + 1));
    if (fread(text, 1, *size, file) != *size) die("%s: short read", path);
    text[*size] = 0;
    fclose(file);
    return text;
}

/* Finds the value of an HTTP header in a NUL-terminated head, without regard to case; NULL when absent. */
static inline const char *header(const char *head, const char *name) {
    char needle[64];
    snprintf(needle, sizeof needle, "\n%s:", name);
    const char *at = strcasestr(head, needle);
    if (!at) return NULL;
    at += strlen(needle);
    while (*at == ' ' || *at == '\t') at++;
    return at;
}
#endif
