/* What roost's way over frames costs if none of it were Python: one process keeps the terminal and stores what comes out
 * of it in a ring in shared memory, another one serves a client out of the ring and types for it.
 *
 *   relay --socket PATH -- COMMAND...
 *
 * client -> relay -> terminal -> child -> terminal -> keeper (ring, eventfd) -> relay -> client. The client speaks
 * dtach's packets, so that it is the program that dtach is measured with. One client at a time; it ends with the child.
 */
#include "peers.h"
#include <sys/eventfd.h>
#include <sys/mman.h>

#define RING_BYTES (1 << 20)
#define PACKET_BYTES 10
enum { PUSH = 0 };

struct ring {
	volatile uint64_t end, waiting;
	unsigned char data[RING_BYTES];
};

static struct ring *ring;
static int master, wake, poller;

static void watch(int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};
	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl");
}

/* Reads the terminal, stores, wakes the relay if it sleeps. */
static void keep(void)
{
	static unsigned char piece[4096];
	uint64_t one = 1;
	struct epoll_event event;
	poller = epoll_create1(EPOLL_CLOEXEC);
	watch(master, EPOLLIN | EPOLLET);
	while (!stop_asked) {
		if (epoll_wait(poller, &event, 1, -1) < 0)
			continue;
		ssize_t n = read(master, piece, sizeof piece);
		if (n <= 0 && errno != EAGAIN)
			return;
		for (ssize_t i = 0; i < n; i++)
			ring->data[(ring->end + (uint64_t)i) % RING_BYTES] = piece[i];
		if (n > 0)
			ring->end += (uint64_t)n;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (ring->waiting) {
			ring->waiting = 0;
			write_all(wake, &one, sizeof one);
		}
	}
}

/* Sends what is new, then sleeps unless there is more. */
static void hand_out(int client, uint64_t *offset)
{
	for (;;) {
		uint64_t end = ring->end, at = *offset % RING_BYTES, length = end - *offset;
		if (length > RING_BYTES - at)
			length = RING_BYTES - at;
		if (length && client >= 0)
			write_all(client, ring->data + at, length);
		*offset += length;
		ring->waiting = 1;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (ring->end == *offset)
			return;
		ring->waiting = 0;
	}
}

/* One packet of the client; returns 0 when it has gone. */
static int type(int client)
{
	unsigned char packet[PACKET_BYTES];
	ssize_t n = recv(client, packet, sizeof packet, MSG_WAITALL);
	if (n != sizeof packet)
		return 0;
	if (packet[0] == PUSH)
		write_all(master, packet + 2, packet[1]);
	return 1;
}

static void serve(int listener, pid_t keeper)
{
	int client = -1;
	uint64_t offset = 0, count;
	poller = epoll_create1(EPOLL_CLOEXEC);
	watch(listener, EPOLLIN);
	watch(wake, EPOLLIN);
	hand_out(client, &offset);
	while (!stop_asked && waitpid(keeper, NULL, WNOHANG) == 0) {
		struct epoll_event events[3];
		int ready = epoll_wait(poller, events, 3, 1000);
		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;
			if (fd == listener && client < 0) {
				client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
				watch(client, EPOLLIN);
			} else if (fd == wake) {
				if (read(wake, &count, sizeof count) == sizeof count)
					hand_out(client, &offset);
			} else if (fd == client && !type(client)) {
				close(client);
				client = -1;
			}
		}
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4) != 0)
		die(path);
	return fd;
}

int main(int argc, char **argv)
{
	pid_t child, keeper;
	char **command = command_of(argc, argv);
	const char *path = option(argc, argv, "--socket", "");
	if (!command)
		die("a command after --");
	install_stop();
	ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ring == MAP_FAILED || wake < 0)
		die("ring");
	master = spawn_on_pty(command, &child);
	keeper = fork();
	if (keeper == 0) {
		keep();
		return 0;
	}
	serve(listen_at(path), keeper);
	kill(keeper, SIGTERM);
	kill(child, SIGHUP);
	return 0;
}
