/* HTTP load publisher: sends prepared requests over keep-alive connections, one at a time on each (a closed loop).
 *
 *   publish HOST PORT REQUESTS CONNECTIONS SECONDS [RATE [COUNT]]
 *
 * REQUESTS holds whole HTTP/1.1 requests back to back, each with its Content-Length; they are taken in order, round and
 * round, by whichever connection is free. Every stamp (@ and 19 zeros) in a request is filled with the time of sending.
 * RATE 0: as fast as answers come. Otherwise RATE requests a second at even distances, and a latency counts from the
 * moment at which the request was due, so that a server that stalls cannot hide it. It ends after SECONDS, or after
 * COUNT requests when that is not 0, plus the answers still owed (at most 10 s), and prints one JSON object:
 * accepted counts answers of 2xx; refused all others; unanswered what never came. */
#include "common.h"
#include <sys/timerfd.h>

#define HEAD_SIZE 8192
#define OWED_S 10
#define TIMER_KEY UINT64_MAX

struct request {
    char *text;
    size_t size, stamp_count;
    uint32_t *stamps; /* where the digits of each stamp begin */
};

struct connection {
    int fd;
    int busy;
    uint64_t due_ns;
    size_t head_size;
    size_t body_left;
    int in_body, status;
    char head[HEAD_SIZE + 1];
};

static struct request *requests;
static size_t request_count, connection_count, free_count;
static struct connection *connections, **idle;
static struct samples latencies;
static uint64_t sent, accepted, refused, reconnects;
static int refused_status;
static struct sockaddr_in address;
static int epoll_fd;

static void split_requests(char *text, size_t size);
static void open_connection(struct connection *c);
static void send_next(uint64_t due_ns);
static void on_readable(struct connection *c);

int main(int argc, char **argv) {
    if (argc < 6) die("usage: publish HOST PORT REQUESTS CONNECTIONS SECONDS [RATE [COUNT]]");
    address = address_of(argv[1], argv[2]);
    size_t size;
    char *text = read_file(argv[3], &size);
    split_requests(text, size);
    connection_count = (size_t)atoi(argv[4]);
    double seconds = atof(argv[5]), rate = argc > 6 ? atof(argv[6]) : 0;
    uint64_t limit = argc > 7 ? strtoull(argv[7], NULL, 10) : 0;
    if (!limit) limit = UINT64_MAX;
    connections = checked(calloc(connection_count, sizeof *connections));
    idle = checked(calloc(connection_count, sizeof *idle));
    epoll_fd = epoll_create1(0);
    for (size_t i = 0; i < connection_count; i++) open_connection(&connections[i]);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (rate > 0) watch(epoll_fd, EPOLL_CTL_ADD, timer, 0, TIMER_KEY);

    uint64_t began = now_ns(), stop = began + (uint64_t)(seconds * 1e9), last = began, now;
    struct epoll_event events[64];
    while ((now = now_ns()) < stop + OWED_S * 1000000000ull) {
        while (free_count && sent < limit && now < stop) {
            uint64_t due = rate > 0 ? began + (uint64_t)((double)sent * 1e9 / rate) : now;
            if (due > now) {
                struct itimerspec at = {.it_value = {(time_t)(due / 1000000000), (long)(due % 1000000000)}};
                timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
                break;
            }
            send_next(due);
            now = now_ns();
        }
        if ((now >= stop || sent == limit) && free_count == connection_count) break;
        int count = epoll_wait(epoll_fd, events, 64, 100);
        for (int i = 0; i < count; i++) {
            uint64_t expirations;
            if (events[i].data.u64 != TIMER_KEY) on_readable(&connections[events[i].data.u64]), last = now_ns();
            else if (read(timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN) die("timer");
        }
    }
    double took = (double)(last - began) / 1e9;
    samples_sort(&latencies);
    printf("{\"sent\":%lu,\"accepted\":%lu,\"refused\":%lu,\"refused_status\":%d,\"unanswered\":%zu,\"reconnects\":%lu,"
           "\"seconds\":%.6f,\"requests_per_s\":%.1f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f}\n",
           sent, accepted, refused, refused_status, connection_count - free_count, reconnects, took,
           took > 0 ? (double)accepted / took : 0.0, samples_ms(&latencies, 0.5), samples_ms(&latencies, 0.99),
           samples_ms(&latencies, 1));
    return 0;
}

/* Finds where each request ends (its head, then Content-Length bytes) and where its stamps are. */
static void split_requests(char *text, size_t size) {
    static const char stamp[] = STAMP_EMPTY;
    for (char *at = text, *end = text + size; at < end;) {
        char *body = strstr(at, "\r\n\r\n");
        if (!body) die("a request without an end of its head");
        body[3] = 0;
        const char *length = header(at, "Content-Length");
        size_t body_size = length ? strtoull(length, NULL, 10) : 0;
        body[3] = '\n';
        struct request request = {.text = at, .size = (size_t)(body + 4 - at) + body_size};
        if (at + request.size > end) die("a request shorter than its Content-Length");
        for (char *found = at; (found = memmem(found, (size_t)(at + request.size - found), stamp, sizeof stamp - 1)); found++) {
            request.stamps = checked(realloc(request.stamps, (request.stamp_count + 1) * sizeof *request.stamps));
            request.stamps[request.stamp_count++] = (uint32_t)(found + 1 - at);
        }
        requests = checked(realloc(requests, (request_count + 1) * sizeof *requests));
        requests[request_count++] = request;
        at += request.size;
    }
    if (!request_count) die("no requests");
}

static void open_connection(struct connection *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect: %s", strerror(errno));
    set_nodelay(c->fd);
    c->busy = c->in_body = 0;
    c->head_size = 0;
    watch(epoll_fd, EPOLL_CTL_ADD, c->fd, 0, (uint64_t)(c - connections));
    idle[free_count++] = c;
}

static void send_next(uint64_t due_ns) {
    struct request *request = &requests[sent++ % request_count];
    struct connection *c = idle[--free_count];
    uint64_t now = now_ns();
    for (size_t i = 0; i < request->stamp_count; i++) put_digits(request->text + request->stamps[i], STAMP_DIGITS, now);
    c->busy = 1;
    c->due_ns = due_ns;
    /* Blocking: a request fits the empty send buffer of a connection that owes nothing. */
    if (send(c->fd, request->text, request->size, MSG_NOSIGNAL) != (ssize_t)request->size) die("send: %s", strerror(errno));
}

static void on_answer(struct connection *c) {
    samples_add(&latencies, now_ns() - c->due_ns);
    if (c->status >= 200 && c->status < 300) {
        accepted++;
    } else {
        refused++;
        if (!refused_status) refused_status = c->status;
    }
    c->busy = c->in_body = 0;
    c->head_size = 0;
    idle[free_count++] = c;
}

/* A server may end an idle keep-alive connection; one that ends with an answer owed has failed that request. */
static void on_hang_up(struct connection *c) {
    close(c->fd);
    reconnects++;
    if (c->busy) {
        refused++;
    } else {
        size_t i = 0;
        while (idle[i] != c) i++;
        idle[i] = idle[--free_count];
    }
    open_connection(c);
}

static void on_readable(struct connection *c) {
    static char body[1 << 16];
    char *into = c->in_body ? body : c->head + c->head_size;
    ssize_t n = recv(c->fd, into, c->in_body ? sizeof body : HEAD_SIZE - c->head_size, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        on_hang_up(c);
        return;
    }
    if (!c->busy) die("an answer that nobody asked for");
    size_t body_bytes = (size_t)n;
    if (!c->in_body) {
        c->head_size += (size_t)n;
        c->head[c->head_size] = 0;
        char *end = strstr(c->head, "\r\n\r\n");
        if (!end && c->head_size == HEAD_SIZE) die("an answer with an endless head");
        if (!end) return;
        end[3] = 0;
        if (header(c->head, "Transfer-Encoding")) die("an answer in chunks: not understood");
        const char *length = header(c->head, "Content-Length");
        c->status = atoi(c->head + 9);
        c->body_left = length ? strtoull(length, NULL, 10) : 0;
        c->in_body = 1;
        body_bytes = (size_t)(c->head + c->head_size - (end + 4));
    }
    if (body_bytes > c->body_left) die("an answer longer than its Content-Length");
    c->body_left -= body_bytes;
    if (!c->body_left) on_answer(c);
}
