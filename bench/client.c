/* WebSocket load client: opens one connection per line of TARGETS and counts and checks what arrives on each.
 *
 *   client HOST PORT TARGETS [LIFE_S]
 *
 * A line of TARGETS is a request target, such as /stream?stream_key=... . When every connection is open (or refused) it
 * prints {"ready":n,...}. Then it obeys lines on stdin and answers each with one JSON line:
 *   reset            start a new window: all counts to zero, the numbers expected next are kept
 *   until N T        wait until N events have been delivered since the reset, at most T ms; print the window
 *   quit (or EOF)    close every connection politely (1000) and end
 * It ends by itself after LIFE_S seconds (default 300) whatever happens.
 *
 * A text message is one or more records LEN|JSON, or a heartbeat. `1|Z` is answered with a masked `1|Z`, a ping with a
 * pong. LEN must be the size of the JSON in bytes, and numbers must be dense per connection; the first number seen on a
 * connection is taken as it comes. A fragmented, binary or masked message is a protocol error: counted, not parsed. */
#include "common.h"

#define BUFFER_SIZE (1 << 20) /* the largest message that is understood */
#define IN_FLIGHT 128         /* handshakes under way at a time: far below any listen backlog */
#define STDIN_KEY UINT64_MAX
#define GOODBYE_MS 3000

/* RFC 6455 section 1.3 prints this pair, so no SHA-1 is needed here. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum state { WAITING, CONNECTING, OPENING, OPEN, CLOSED };

struct connection {
    int fd;
    enum state state;
    uint32_t rest_size; /* bytes of an incomplete frame or response head, in `rest` */
    uint8_t *rest;
    const char *target;
    uint64_t next_seq; /* 0: none seen yet */
    uint64_t delivered;
};

static struct window {
    uint64_t delivered, bytes, reads, heartbeats, pings, wrong_lengths, seq_gaps, protocol_errors, closed;
    uint64_t started_ns, last_ns;
} window;

static struct connection *connections;
static size_t total, started, settled, opened;
static struct samples latencies;
static uint8_t buffer[BUFFER_SIZE + 1];
static struct sockaddr_in address;
static int epoll_fd, refused_status, close_code;
static const char *host;

static void begin_more(void);
static void on_readable(struct connection *c);
static void on_connected(struct connection *c);
static void command(char *line);
static void print_window(void);
static void say_goodbye(void);

static int finished, eof;
static uint64_t until_count, until_deadline_ns;

int main(int argc, char **argv) {
    if (argc < 4) die("usage: client HOST PORT TARGETS [LIFE_S]");
    host = argv[1];
    address = address_of(argv[1], argv[2]);
    uint64_t end_ns = now_ns() + (uint64_t)((argc > 4 ? atof(argv[4]) : 300) * 1e9), began_ns = now_ns();
    size_t size;
    char *targets = read_file(argv[3], &size);
    for (size_t i = 0; i < size; i++) total += targets[i] == '\n';
    connections = checked(calloc(total ? total : 1, sizeof *connections));
    char *line = targets;
    for (size_t i = 0; i < total; i++) connections[i].target = strsep(&line, "\n");
    epoll_fd = epoll_create1(0);
    begin_more();

    struct epoll_event events[256];
    char pending[4096];
    size_t pending_size = 0;
    int ready_told = 0;
    while (!finished) {
        uint64_t now = now_ns();
        if (now >= end_ns) break;
        if (!ready_told && settled == total) {
            printf("{\"ready\":%zu,\"refused\":%zu,\"refused_status\":%d,\"seconds\":%.3f}\n", opened, total - opened,
                   refused_status, (double)(now - began_ns) / 1e9);
            fflush(stdout);
            ready_told = 1;
            watch(epoll_fd, EPOLL_CTL_ADD, 0, 0, STDIN_KEY);
        }
        if (until_deadline_ns && (window.delivered >= until_count || now >= until_deadline_ns)) print_window();
        if (eof && !until_deadline_ns) break;
        uint64_t next = until_deadline_ns && until_deadline_ns < end_ns ? until_deadline_ns : end_ns;
        int wait_ms = next <= now ? 0 : next - now > 1000000000 ? 1000 : (int)((next - now) / 1000000) + 1;
        int count = epoll_wait(epoll_fd, events, 256, wait_ms);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == STDIN_KEY) {
                ssize_t n = read(0, pending + pending_size, sizeof pending - pending_size - 1);
                if (n <= 0) {
                    eof = 1;
                    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, 0, NULL);
                    continue;
                }
                pending[pending_size += (size_t)n] = 0;
                char *rest = pending, *end;
                for (; (end = strchr(rest, '\n')); rest = end + 1) *end = 0, command(rest);
                pending_size = strlen(rest);
                memmove(pending, rest, pending_size + 1);
                continue;
            }
            struct connection *c = &connections[events[i].data.u64];
            if (c->state == CONNECTING) on_connected(c);
            else if (c->state != CLOSED) on_readable(c);
        }
    }
    say_goodbye();
    return 0;
}

static void command(char *line) {
    unsigned long long count, timeout_ms;
    if (!strcmp(line, "quit")) {
        finished = 1;
    } else if (!strcmp(line, "reset")) {
        window = (struct window){.started_ns = now_ns()};
        latencies.count = 0;
        for (size_t i = 0; i < total; i++) connections[i].delivered = 0;
        puts("{\"reset\":true}");
        fflush(stdout);
    } else if (sscanf(line, "until %llu %llu", &count, &timeout_ms) == 2) {
        until_count = count;
        until_deadline_ns = now_ns() + timeout_ms * 1000000;
    } else {
        die("unknown command: %s", line);
    }
}

static void print_window(void) {
    uint64_t fewest = UINT64_MAX, most = 0;
    for (size_t i = 0; i < total; i++) {
        if (connections[i].delivered < fewest) fewest = connections[i].delivered;
        if (connections[i].delivered > most) most = connections[i].delivered;
    }
    samples_sort(&latencies);
    printf("{\"delivered\":%lu,\"bytes\":%lu,\"reads\":%lu,\"heartbeats\":%lu,\"pings\":%lu,\"wrong_lengths\":%lu,"
           "\"seq_gaps\":%lu,\"protocol_errors\":%lu,\"closed\":%lu,\"close_code\":%d,\"fewest\":%lu,\"most\":%lu,"
           "\"seconds\":%.6f,\"latencies\":%zu,\"p50_ms\":%.4f,\"p99_ms\":%.4f}\n",
           window.delivered, window.bytes, window.reads, window.heartbeats, window.pings, window.wrong_lengths,
           window.seq_gaps, window.protocol_errors, window.closed, close_code, total ? fewest : 0, most,
           window.last_ns ? (double)(window.last_ns - window.started_ns) / 1e9 : 0.0, latencies.count,
           samples_ms(&latencies, 0.5), samples_ms(&latencies, 0.99));
    fflush(stdout);
    until_deadline_ns = 0;
}

/* ---- opening ---- */

static void drop(struct connection *c) {
    if (c->state == OPEN) window.closed++;
    else settled++;
    close(c->fd);
    free(c->rest);
    c->rest = NULL;
    c->rest_size = 0;
    c->state = CLOSED;
    begin_more();
}

static void begin_more(void) {
    while (started < total && started - settled < IN_FLIGHT) {
        struct connection *c = &connections[started];
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (c->fd < 0) die("socket: %s (open files limit?)", strerror(errno));
        set_nodelay(c->fd);
        c->state = CONNECTING;
        started++;
        if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
            die("connect: %s", strerror(errno));
        watch(epoll_fd, EPOLL_CTL_ADD, c->fd, EPOLLOUT, (uint64_t)(c - connections));
    }
}

static void on_connected(struct connection *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        drop(c);
        return;
    }
    watch(epoll_fd, EPOLL_CTL_MOD, c->fd, 0, (uint64_t)(c - connections));
    char request[2048];
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n",
                     c->target, host, ntohs(address.sin_port));
    if (n >= (int)sizeof request || send(c->fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
        drop(c);
        return;
    }
    c->state = OPENING;
}

/* Returns how many bytes the response head took, 0 if it is incomplete, -1 if the connection is gone. */
static ssize_t finish_handshake(struct connection *c, uint8_t *bytes, size_t size) {
    bytes[size] = 0;
    char *end = strstr((char *)bytes, "\r\n\r\n");
    if (!end) return 0;
    end[2] = 0;
    const char *accept = header((char *)bytes, "Sec-WebSocket-Accept");
    int status = size > 12 ? atoi((char *)bytes + 9) : 0;
    if (status != 101 || !accept || strncmp(accept, ACCEPT "\r\n", sizeof ACCEPT + 1)) {
        if (!refused_status) refused_status = status;
        drop(c);
        return -1;
    }
    c->state = OPEN;
    settled++;
    opened++;
    begin_more();
    return end + 4 - (char *)bytes;
}

/* ---- receiving ---- */

/* Sends one small frame; a client's frames are masked (RFC 6455 section 5.3), with any key. */
static void reply(struct connection *c, uint8_t opcode, const uint8_t *payload, size_t size) {
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t frame[6 + 125];
    frame[0] = 0x80 | opcode;
    frame[1] = (uint8_t)(0x80 | size);
    memcpy(frame + 2, mask, 4);
    for (size_t i = 0; i < size; i++) frame[6 + i] = payload[i] ^ mask[i & 3];
    if (send(c->fd, frame, 6 + size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(6 + size)) window.protocol_errors++;
}

static void on_event(struct connection *c, const char *json, size_t size, uint64_t now) {
    static const char lead[] = "{\"seq\":\"", mark[] = "\"value\":\"@";
    uint64_t seq = 0;
    window.delivered++;
    c->delivered++;
    if (size < sizeof lead || memcmp(json, lead, sizeof lead - 1)) {
        window.protocol_errors++;
        return;
    }
    for (const char *at = json + sizeof lead - 1; at < json + size && *at >= '0' && *at <= '9'; at++)
        seq = seq * 10 + (uint64_t)(*at - '0');
    if (c->next_seq && seq != c->next_seq) window.seq_gaps++;
    c->next_seq = seq + 1;
    const char *stamp = memmem(json, size, mark, sizeof mark - 1);
    if (!stamp || stamp + sizeof mark - 1 + STAMP_DIGITS > json + size) return;
    uint64_t sent_ns = 0;
    for (int i = 0; i < STAMP_DIGITS; i++) sent_ns = sent_ns * 10 + (uint64_t)(stamp[sizeof mark - 1 + i] - '0');
    if (sent_ns && sent_ns <= now) samples_add(&latencies, now - sent_ns);
}

static void on_text(struct connection *c, const uint8_t *text, size_t size, uint64_t now) {
    const uint8_t *end = text + size;
    if (size == 3 && !memcmp(text, "1|Z", 3)) {
        window.heartbeats++;
        reply(c, 1, text, 3);
        return;
    }
    while (text < end) {
        size_t length = 0;
        while (text < end && *text >= '0' && *text <= '9') length = length * 10 + (size_t)(*text++ - '0');
        if (text == end || *text++ != '|') {
            window.protocol_errors++;
            return;
        }
        size_t left = (size_t)(end - text);
        /* A record ends where the message ends or the next number begins; anything else is a wrong length. */
        if (length > left || (length < left && (text[length] < '0' || text[length] > '9')) || text[length - 1] != '}') {
            window.wrong_lengths++;
            on_event(c, (const char *)text, left, now);
            return;
        }
        on_event(c, (const char *)text, length, now);
        text += length;
    }
}

/* Handles every whole frame in `bytes`; returns how many bytes were used, -1 if the connection is gone. */
static ssize_t on_frames(struct connection *c, const uint8_t *bytes, size_t size) {
    size_t used = 0;
    uint64_t now = now_ns();
    while (size - used >= 2) {
        const uint8_t *at = bytes + used;
        size_t head = 2, length = at[1] & 127;
        if (at[1] & 128) window.protocol_errors++;
        if (length == 126) head = 4;
        if (length == 127) head = 10;
        if (size - used < head) break;
        if (head > 2) {
            length = 0;
            for (size_t i = 2; i < head; i++) length = length << 8 | at[i];
        }
        if (length > BUFFER_SIZE - 14) die("a frame of %zu bytes", length);
        if (size - used < head + length) break;
        const uint8_t *payload = at + head;
        used += head + length;
        if (at[0] == 0x81) on_text(c, payload, length, now);
        else if (at[0] == 0x89 && length < 126) window.pings++, reply(c, 10, payload, length);
        else if (at[0] == 0x88) {
            if (length >= 2) close_code = payload[0] << 8 | payload[1];
            reply(c, 8, payload, length >= 2 ? 2 : 0);
            drop(c);
            return -1;
        } else if (at[0] != 0x8a) window.protocol_errors++;
    }
    return (ssize_t)used;
}

static void on_readable(struct connection *c) {
    if (c->rest_size) memcpy(buffer, c->rest, c->rest_size);
    ssize_t n = recv(c->fd, buffer + c->rest_size, BUFFER_SIZE - c->rest_size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        drop(c);
        return;
    }
    size_t size = c->rest_size + (size_t)n, used = 0;
    window.reads++;
    window.bytes += (uint64_t)n;
    if (c->state == OPENING) {
        ssize_t head = finish_handshake(c, buffer, size);
        if (head < 0) return;
        used = (size_t)head;
    }
    if (c->state == OPEN) {
        ssize_t frames = on_frames(c, buffer + used, size - used);
        if (frames < 0) return;
        used += (size_t)frames;
    }
    window.last_ns = now_ns();
    c->rest_size = (uint32_t)(size - used);
    if (!c->rest_size) return;
    c->rest = checked(realloc(c->rest, c->rest_size));
    memcpy(c->rest, buffer + used, c->rest_size);
}

/* ---- closing ---- */

/* Sends every server a close frame and reads until it hangs up, so that neither side sees a reset. */
static void say_goodbye(void) {
    static const uint8_t normal[2] = {1000 >> 8, 1000 & 255};
    size_t open = 0;
    started = total; /* open no more */
    for (size_t i = 0; i < total; i++)
        if (connections[i].state == OPEN) {
            reply(&connections[i], 8, normal, 2);
            open++;
        }
    struct epoll_event events[256];
    uint64_t deadline = now_ns() + GOODBYE_MS * 1000000ull;
    while (open && now_ns() < deadline) {
        int count = epoll_wait(epoll_fd, events, 256, 100);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == STDIN_KEY) {
                epoll_ctl(epoll_fd, EPOLL_CTL_DEL, 0, NULL);
                continue;
            }
            struct connection *c = &connections[events[i].data.u64];
            if (c->state != OPEN || recv(c->fd, buffer, BUFFER_SIZE, MSG_DONTWAIT) > 0) continue;
            close(c->fd);
            c->state = CLOSED;
            open--;
        }
    }
}
