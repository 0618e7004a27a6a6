/* One client program for both servers, so that the clients cost the same: only the parsing of what arrives differs.
 *
 *   viewer --protocol dtach|roost --socket PATH [--request FILE] [--viewers N] [--out FILE]
 *          [--seconds S | --until BYTES | --stall | --echo N --pace-us P --seconds S | --calls N --answers K]
 *          [--ready FILE] [--local]
 *
 * dtach: a viewer sends an attach packet and reads raw bytes. roost: a viewer sends the framed request in FILE, checks
 * the answer's code and reads length-prefixed frames whose field 1 is output; the bytes of the output are skipped over,
 * never copied. Default: count until every viewer's stream ends (or SIGTERM). --stall: attach and never read. --echo: one
 * viewer types N bytes, each after the last came back, for S seconds at most, and reports the round trip. --calls: send
 * the request N times on one connection, each after the answer to the last, and report the round trip. --local: one
 * viewer, which was lent the ring and reads its output there.
 */
#include "frames.h"
#include "local.h"
#include "peers.h"

struct packet { /* dtach's client-to-server message: 10 bytes */
	unsigned char type, length;
	union {
		unsigned char data[sizeof(struct winsize)];
		struct winsize size;
	} u;
};
enum { PACKET_PUSH = 0, PACKET_ATTACH = 1 };

static int speaks_roost, reads_locally;
static struct local local;
static char *request;
static size_t request_bytes;
static char scratch[SCRATCH_BYTES];

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The file is there as soon as the server has bound it; on a busy machine it may listen only later. */
	for (int tries = 1000; fd >= 0 && tries > 0 && !stop_asked; tries--) {
		if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
			return fd;
		if (errno != ECONNREFUSED)
			break;
		pause_us(1000);
	}
	die(path);
	return -1;
}

static void load_request(const char *path)
{
	struct stat info;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, &info) != 0)
		die("--request");
	request = malloc((size_t)info.st_size);
	if (!request || read(fd, request, (size_t)info.st_size) != info.st_size)
		die("--request");
	request_bytes = (size_t)info.st_size;
	close(fd);
}

/* Reads one whole frame byte-exactly (never into the stream behind it). Returns its payload's length. `lent`: where the
 * descriptors go that come with it. */
static size_t read_frame(int fd, unsigned char *payload, size_t size, int *lent)
{
	unsigned char head[4];
	size_t length;
	if (lent)
		receive_lent(fd, head, lent);
	else if (recv(fd, head, 4, MSG_WAITALL) != 4) {
		if (stop_asked)
			exit(0);
		die("answer");
	}
	length = frame_length(head);
	if (length > size || (length && recv(fd, payload, length, MSG_WAITALL) != (ssize_t)length))
		die("answer");
	return length;
}

static void check_answer(const unsigned char *payload, size_t length)
{
	uint64_t code = field_number(payload, length, 2);
	if (code) {
		fprintf(stderr, "the daemon answered code %llu: %.*s\n", (unsigned long long)code, (int)length, payload);
		exit(4);
	}
}

static void attach(int fd)
{
	if (speaks_roost) {
		int lent[LENT_MOST];
		write_all(fd, request, request_bytes);
		check_answer((unsigned char *)scratch,
			     read_frame(fd, (unsigned char *)scratch, sizeof scratch, reads_locally ? lent : NULL));
		if (reads_locally)
			local_open(&local, fd, lent);
		return;
	}
	struct packet packet = {.type = PACKET_ATTACH};
	write_all(fd, &packet, sizeof packet);
}

/* Waits as a real client does, for input only. A blocking recv would also be woken whenever the server takes something
 * from this socket, which costs two switches in the middle of a round trip. */
static void wait_readable(int fd)
{
	if (reads_locally) {
		local_wait(&local);
		return;
	}
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	poll(&wait, 1, -1);
}

/* One read. Returns output bytes seen, -1 at the end of the stream. */
static int64_t take(int fd, struct stream *stream)
{
	if (reads_locally) {
		size_t length = local_take(&local, scratch, sizeof scratch);
		stream->gap_bytes = local.gap_bytes;
		return length || local_wait(&local) ? (int64_t)length : -1;
	}
	ssize_t n = recv(fd, scratch + CARRY_BYTES, sizeof scratch - CARRY_BYTES, 0);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return -1;
	return speaks_roost ? stream_feed(stream, (unsigned char *)scratch + CARRY_BYTES, (size_t)n) : n;
}

static void report_counts(const char *out, struct stream *streams, const uint64_t *bytes, unsigned count, uint64_t first)
{
	char text[512];
	uint64_t total = 0, least = UINT64_MAX, gaps = 0, frames = 0;
	for (unsigned i = 0; i < count; i++) {
		total += bytes[i];
		least = bytes[i] < least ? bytes[i] : least;
		gaps += streams[i].gap_bytes;
		frames += streams[i].frames;
	}
	snprintf(text, sizeof text,
		 "{\"bytes\":%llu,\"least\":%llu,\"gap_bytes\":%llu,\"frames\":%llu,\"first_ns\":%llu,\"last_ns\":%llu}\n",
		 (unsigned long long)total, (unsigned long long)least, (unsigned long long)gaps, (unsigned long long)frames,
		 (unsigned long long)first, (unsigned long long)now_ns());
	write_report(out, text);
}

static void count_one(int fd, uint64_t until, uint64_t deadline, const char *out)
{
	struct stream stream = {0};
	uint64_t bytes = 0, first = 0;
	while (!stop_asked && bytes < until && !stream.ended) {
		int64_t n = take(fd, &stream);
		if (n < 0)
			break;
		if (n && !first) {
			first = now_ns();
			deadline = deadline == UINT64_MAX ? deadline : first + deadline;
		}
		bytes += (uint64_t)n;
		if (deadline != UINT64_MAX && first && now_ns() >= deadline)
			break;
	}
	report_counts(out, &stream, &bytes, 1, first);
}

static void count_many(int *fds, unsigned count, uint64_t window, const char *out)
{
	struct stream *streams = calloc(count, sizeof *streams);
	uint64_t *bytes = calloc(count, sizeof *bytes), first = 0;
	unsigned live = count;
	int poller = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
		epoll_ctl(poller, EPOLL_CTL_ADD, fds[i], &event);
	}
	while (live && !stop_asked && !(first && window != UINT64_MAX && now_ns() - first >= window)) {
		struct epoll_event events[64];
		int ready = epoll_wait(poller, events, 64, 200);
		for (int i = 0; i < ready; i++) {
			unsigned which = events[i].data.u32;
			int64_t n = take(fds[which], &streams[which]);
			if (n > 0) {
				first = first ? first : now_ns();
				bytes[which] += (uint64_t)n;
			}
			if (n < 0 || streams[which].ended) {
				epoll_ctl(poller, EPOLL_CTL_DEL, fds[which], NULL);
				live--;
			}
		}
	}
	report_counts(out, streams, bytes, count, first);
}

static void type_byte(int fd, unsigned char byte)
{
	if (reads_locally && local.input >= 0) { /* past the daemon */
		write_all(local.input, &byte, 1);
		return;
	}
	if (speaks_roost) {
		unsigned char frame[7] = {0, 0, 0, 3, 0x0a, 1, byte}; /* PtyInputFrame.input, one byte */
		write_all(fd, frame, sizeof frame);
		return;
	}
	struct packet packet = {.type = PACKET_PUSH, .length = 1, .u.data = {byte}};
	write_all(fd, &packet, sizeof packet);
}

static void measure_echo(int fd, size_t count, uint64_t pace_us, uint64_t window, const char *out)
{
	struct stream stream = {0};
	char text[512];
	uint64_t *samples = calloc(count, sizeof *samples);
	size_t done = 0;
	uint64_t began = now_ns();
	for (; done < count && !stop_asked && now_ns() - began < window; done++) {
		int64_t n = 0;
		pause_us(pace_us);
		uint64_t start = now_ns();
		type_byte(fd, (unsigned char)('a' + done % 26));
		while (n == 0 && !stream.ended && !stop_asked) {
			wait_readable(fd);
			n = take(fd, &stream);
		}
		if (n <= 0)
			break;
		samples[done] = now_ns() - start;
	}
	quantiles(samples, done, text, sizeof text);
	write_report(out, text);
}

/* The request file may hold several requests: they are sent together and their answers awaited together. */
static void measure_calls(int fd, size_t count, unsigned answers, const char *out)
{
	char text[512];
	size_t kept = count < 1000000 ? count : 1000000, done = 0;
	uint64_t *samples = calloc(kept, sizeof *samples);
	for (; done < count && !stop_asked; done++) {
		uint64_t start = now_ns();
		write_all(fd, request, request_bytes);
		wait_readable(fd);
		for (unsigned i = 0; i < answers && !stop_asked; i++)
			check_answer((unsigned char *)scratch, read_frame(fd, (unsigned char *)scratch, sizeof scratch, NULL));
		if (stop_asked)
			break;
		samples[done % kept] = now_ns() - start;
	}
	quantiles(samples, done < kept ? done : kept, text, sizeof text);
	write_report(out, text);
}

int main(int argc, char **argv)
{
	const char *path = option(argc, argv, "--socket", ""), *out = option(argc, argv, "--out", "-");
	const char *ready = option(argc, argv, "--ready", NULL);
	unsigned viewers = (unsigned)number(argc, argv, "--viewers", 1);
	uint64_t seconds = number(argc, argv, "--seconds", 0), window = seconds ? seconds * 1000000000u : UINT64_MAX;
	size_t echoes = (size_t)number(argc, argv, "--echo", 0), calls = (size_t)number(argc, argv, "--calls", 0);
	int *fds = calloc(viewers, sizeof *fds);
	install_stop();
	speaks_roost = strcmp(option(argc, argv, "--protocol", "roost"), "roost") == 0;
	reads_locally = flag(argc, argv, "--local");
	if (speaks_roost)
		load_request(option(argc, argv, "--request", NULL));
	if (calls) {
		measure_calls(connect_to(path), calls, (unsigned)number(argc, argv, "--answers", 1), out);
		return 0;
	}
	for (unsigned i = 0; i < viewers; i++) {
		fds[i] = connect_to(path);
		attach(fds[i]);
	}
	if (ready)
		touch(ready);
	if (flag(argc, argv, "--stall"))
		while (!stop_asked)
			pause();
	else if (echoes) {
		pause_us(100000);
		measure_echo(fds[0], echoes, number(argc, argv, "--pace-us", 300), window, out);
	} else if (viewers == 1)
		count_one(fds[0], number(argc, argv, "--until", UINT64_MAX), window, out);
	else
		count_many(fds, viewers, window, out);
	return 0;
}
