/* The floor: what sending the same frames costs in C, with nothing stored, matched or checked around it.
 *
 *   floor each|joined [LIFE_S]
 *
 * Listens on a free port of 127.0.0.1 and prints {"port":p}. One port, as the real server:
 *   GET (with Sec-WebSocket-Key)           a WebSocket connection; stays until either side closes
 *   POST /send/COUNT/BURST/all|turn        COUNT events, BURST per turn of the event loop; answered 201 when all are sent.
 *                                          all: every event to every connection; turn: one event to one connection, in turn
 *   POST /heartbeat                        `1|Z` and a ping to every connection
 *   GET /counts                            {"connections","events","sends","stalls","answers","pongs"}
 * A frame is LEN|{"seq":"N",TAIL, N dense per connection from 1; a stamp in the body of POST /send is copied into TAIL.
 * each (floor 1): one send() per frame. joined (floor 2): what one turn has for a connection goes in one send().
 * The events of one turn differ by their number only, which is also all by which a subscriber's frame differs. */
#include "common.h"
#include <netinet/in.h>
#include <poll.h>

#define MAX_FDS 65536
#define MAX_BURST 1000
#define FRAME_SIZE 640
#define INPUT_SIZE 4096
#define PAYLOAD_TEXT "1|Z"

static char tail[] =
    "\"metadata\":{\"oem_id\":\"0dfc7900\",\"oem_model\":\"ledevb\",\"dsn\":\"AC000W000340649\",\"property_name\":\"status\","
    "\"display_name\":\"status\",\"base_type\":\"string\",\"resource_tags\":[],\"event_type\":\"datapoint\"},\"datapoint\":{"
    "\"id\":\"2f2d7a3e-5a5c-11e8-8b2c-000000000000\",\"created_at_from_device\":null,\"updated_at\":\"2018-05-18T06:00:00Z\","
    "\"created_at\":\"2018-05-18T06:00:00Z\",\"user_uuid\":\"00000000-0000-0000-0000-000000000000\",\"echo\":false,"
    "\"closed\":false,\"value\":\"" STAMP_EMPTY "\",\"metadata\":{}}}";
#define TAIL_SIZE (sizeof tail - 1)

enum kind { NEW, SUBSCRIBER, PUBLISHER };

struct connection {
    int fd;
    enum kind kind;
    uint64_t seq;
    size_t place, input_size; /* place: index in `subscribers` */
    char *input;              /* incomplete input, INPUT_SIZE + 1 bytes; NULL when there is none */
};

static struct connection by_fd[MAX_FDS];
static struct connection *subscribers[MAX_FDS];
static size_t subscriber_count, connection_turn;
static int epoll_fd, listener, joined;
static struct { uint64_t events, sends, stalls, answers, pongs; } counts;
static char *stamp_in_tail;

static void turn_of_loop(int wait_ms);
static void on_request(struct connection *c, char *head, char *body, size_t body_size);
static void send_events(uint64_t count, uint64_t burst, int to_all);

int main(int argc, char **argv) {
    if (argc < 2 || (strcmp(argv[1], "each") && strcmp(argv[1], "joined"))) die("usage: floor each|joined [LIFE_S]");
    joined = !strcmp(argv[1], "joined");
    uint64_t end_ns = now_ns() + (uint64_t)((argc > 2 ? atof(argv[2]) : 600) * 1e9);
    stamp_in_tail = strchr(tail, STAMP_MARK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = address_of("127.0.0.1", "0");
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0) die("listen: %s", strerror(errno));
    getsockname(listener, (struct sockaddr *)&address, &size);
    epoll_fd = epoll_create1(0);
    watch(epoll_fd, EPOLL_CTL_ADD, listener, 0, (uint64_t)listener);
    printf("{\"port\":%d}\n", ntohs(address.sin_port));
    fflush(stdout);
    while (now_ns() < end_ns) turn_of_loop(1000);
    return 0;
}

/* ---- sending events ---- */

static void send_all(struct connection *c, const char *bytes, size_t size) {
    counts.sends++;
    while (size) {
        ssize_t n = send(c->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN) return; /* gone: the read side will see it */
        if (n < 0) {
            struct pollfd full = {.fd = c->fd, .events = POLLOUT};
            counts.stalls++;
            if (poll(&full, 1, 5000) < 1) return;
            continue;
        }
        bytes += n;
        size -= (size_t)n;
    }
}

static size_t put_number(char *at, uint64_t value) {
    char digits[20];
    size_t n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    for (size_t i = 0; i < n; i++) at[i] = digits[n - 1 - i];
    return n;
}

/* Writes the next frame of a connection; returns its size. The payload is 126 bytes or more and below 65,536. */
static size_t put_frame(struct connection *c, char *frame) {
    char number[20];
    size_t digits = put_number(number, ++c->seq);
    char *at = frame + 4;
    at += put_number(at, 8 + digits + 2 + TAIL_SIZE);
    at = mempcpy(at, "|{\"seq\":\"", 9);
    at = mempcpy(at, number, digits);
    at = mempcpy(at, "\",", 2);
    at = mempcpy(at, tail, TAIL_SIZE);
    size_t payload = (size_t)(at - frame - 4);
    frame[0] = (char)0x81;
    frame[1] = 126;
    frame[2] = (char)(payload >> 8);
    frame[3] = (char)payload;
    counts.events++;
    return payload + 4;
}

static void send_burst(struct connection *c, uint64_t burst) {
    static char frames[MAX_BURST * FRAME_SIZE];
    size_t size = 0;
    for (uint64_t i = 0; i < burst; i++) {
        size += put_frame(c, frames + size);
        if (!joined || i + 1 == burst) send_all(c, frames, size), size = 0;
    }
}

static void send_events(uint64_t count, uint64_t burst, int to_all) {
    if (!burst || burst > MAX_BURST) burst = 1;
    for (uint64_t done = 0; done < count && subscriber_count; done += burst) {
        if (done) turn_of_loop(0);
        uint64_t now = count - done < burst ? count - done : burst;
        /* Floor 1 serves event by event, as a server without any joining does; floor 2 connection by connection. */
        if (!to_all) for (uint64_t i = 0; i < now; i++) send_burst(subscribers[connection_turn++ % subscriber_count], 1);
        else if (joined) for (size_t i = 0; i < subscriber_count; i++) send_burst(subscribers[i], now);
        else for (uint64_t n = 0; n < now; n++) for (size_t i = 0; i < subscriber_count; i++) send_burst(subscribers[i], 1);
    }
}

/* ---- requests ---- */

static uint32_t rotate(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

/* SHA-1 (FIPS 180-4) of a text of at most 119 bytes, which is two blocks; enough for a handshake's 60. */
static void sha1(const char *text, uint8_t digest[20]) {
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t blocks[128] = {0};
    size_t size = strlen(text), block_count = size < 56 ? 1 : 2;
    memcpy(blocks, text, size);
    blocks[size] = 0x80;
    blocks[block_count * 64 - 2] = (uint8_t)(size * 8 >> 8);
    blocks[block_count * 64 - 1] = (uint8_t)(size * 8);
    for (size_t block = 0; block < block_count; block++) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        const uint8_t *at = blocks + block * 64;
        for (int i = 0; i < 16; i++, at += 4) w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
            uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
            uint32_t next = rotate(a, 5) + f + e + k + w[i];
            e = d, d = c, c = rotate(b, 30), b = a, a = next;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - i % 4 * 8));
}

static void base64_of_20(const uint8_t digest[20], char out[29]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t padded[21] = {0};
    memcpy(padded, digest, 20);
    for (int i = 0, o = 0; i < 21; i += 3) {
        uint32_t three = (uint32_t)padded[i] << 16 | (uint32_t)padded[i + 1] << 8 | padded[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) out[o++] = letters[three >> shift & 63];
    }
    strcpy(out + 27, "=");
}

static void upgrade(struct connection *c, const char *key) {
    char joined_key[128], answer[256], accept[29];
    uint8_t digest[20];
    snprintf(joined_key, sizeof joined_key, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key); /* RFC 6455 section 4.2.2 */
    sha1(joined_key, digest);
    base64_of_20(digest, accept);
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    send_all(c, answer, (size_t)n);
    c->kind = SUBSCRIBER;
    c->place = subscriber_count;
    subscribers[subscriber_count++] = c;
}

static void answer_json(struct connection *c, int status, const char *json) {
    char answer[512];
    int n = snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     status, strlen(json), json);
    send_all(c, answer, (size_t)n);
}

static void on_request(struct connection *c, char *head, char *body, size_t body_size) {
    unsigned long long count, burst;
    char pattern[8], json[256];
    const char *key = header(head, "Sec-WebSocket-Key");
    if (key) {
        upgrade(c, key);
        return;
    }
    c->kind = PUBLISHER;
    if (sscanf(head, "POST /send/%llu/%llu/%7[a-z]", &count, &burst, pattern) == 3) {
        char *stamp = memchr(body, STAMP_MARK, body_size);
        if (stamp && stamp + 1 + STAMP_DIGITS <= body + body_size) memcpy(stamp_in_tail, stamp, 1 + STAMP_DIGITS);
        send_events(count, burst, !strcmp(pattern, "all"));
        answer_json(c, 201, "{}");
    } else if (!strncmp(head, "POST /heartbeat", 15)) {
        static const char both[] = "\x81\x03" PAYLOAD_TEXT "\x89\x01p";
        for (size_t i = 0; i < subscriber_count; i++) send_all(subscribers[i], both, sizeof both - 1);
        answer_json(c, 201, "{}");
    } else if (!strncmp(head, "GET /counts", 11)) {
        snprintf(json, sizeof json, "{\"connections\":%zu,\"events\":%lu,\"sends\":%lu,\"stalls\":%lu,\"answers\":%lu,\"pongs\":%lu}",
                 subscriber_count, counts.events, counts.sends, counts.stalls, counts.answers, counts.pongs);
        answer_json(c, 200, json);
    } else {
        answer_json(c, 404, "{}");
    }
}

/* ---- input ---- */

static void drop(struct connection *c) {
    if (c->kind == SUBSCRIBER) {
        subscribers[c->place] = subscribers[--subscriber_count];
        subscribers[c->place]->place = c->place;
    }
    close(c->fd);
    free(c->input);
    *c = (struct connection){.fd = -1};
}

/* Takes one request off the front of `input`; returns its size, 0 while it is incomplete. */
static size_t take_request(struct connection *c, char *input, size_t size) {
    char *end = memmem(input, size, "\r\n\r\n", 4);
    if (!end) return 0;
    end[3] = 0;
    const char *length = header(input, "Content-Length");
    size_t body_size = length ? strtoull(length, NULL, 10) : 0;
    end[3] = '\n';
    char *body = end + 4;
    if ((size_t)(body - input) + body_size > size) return 0;
    end[3] = 0;
    on_request(c, input, body, body_size);
    return (size_t)(body - input) + body_size;
}

/* Takes one masked frame of at most 125 bytes; returns its size, 0 while incomplete, SIZE_MAX to close. */
static size_t take_frame(struct connection *c, const uint8_t *input, size_t size) {
    if (size < 2) return 0;
    size_t length = input[1] & 127;
    if (length > 125 || !(input[1] & 128)) return SIZE_MAX;
    if (size < 6 + length) return 0;
    if (input[0] == 0x88) {
        static const char normal[] = {(char)0x88, 2, 1000 >> 8, (char)(1000 & 255)};
        send_all(c, normal, sizeof normal);
        return SIZE_MAX;
    }
    char text[125];
    for (size_t i = 0; i < length; i++) text[i] = (char)(input[6 + i] ^ input[2 + (i & 3)]);
    counts.pongs += input[0] == 0x8a;
    counts.answers += input[0] == 0x81 && length == 3 && !memcmp(text, PAYLOAD_TEXT, 3);
    return 6 + length;
}

static void on_readable(struct connection *c) {
    char input[INPUT_SIZE + 1];
    if (c->input_size) memcpy(input, c->input, c->input_size);
    ssize_t n = recv(c->fd, input + c->input_size, INPUT_SIZE - c->input_size, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        drop(c);
        return;
    }
    size_t size = c->input_size + (size_t)n, used = 0, step = 1;
    input[size] = 0;
    while (used < size && step) {
        if (c->kind == SUBSCRIBER) step = take_frame(c, (uint8_t *)input + used, size - used);
        else step = take_request(c, input + used, size - used);
        if (step == SIZE_MAX) {
            drop(c);
            return;
        }
        used += step;
    }
    if (used == 0 && size == INPUT_SIZE) {
        drop(c);
        return;
    }
    c->input_size = size - used;
    if (!c->input_size) return;
    if (!c->input) c->input = checked(malloc(INPUT_SIZE));
    memcpy(c->input, input + used, c->input_size);
}

static void turn_of_loop(int wait_ms) {
    struct epoll_event events[256]; /* not static: a turn within POST /send is nested in another */
    int count = epoll_wait(epoll_fd, events, wait_ms ? 256 : 16, wait_ms);
    for (int i = 0; i < count; i++) {
        int fd = (int)events[i].data.u64;
        if (fd != listener) {
            /* Inside a POST /send only subscribers are read: a second request waits its turn. */
            if (by_fd[fd].fd == fd && (wait_ms || by_fd[fd].kind == SUBSCRIBER)) on_readable(&by_fd[fd]);
            continue;
        }
        if (!wait_ms) continue;
        int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) continue;
        if (accepted >= MAX_FDS) die("more connections than %d", MAX_FDS);
        set_nodelay(accepted);
        by_fd[accepted] = (struct connection){.fd = accepted};
        watch(epoll_fd, EPOLL_CTL_ADD, accepted, 0, (uint64_t)accepted);
    }
}
