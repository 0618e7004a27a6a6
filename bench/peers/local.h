/* A local reader of a ring, as docs/wire.md describes it: the descriptors come with the answer to the attach (ring, page,
 * pipe, perhaps a socket for input), the output is copied out of the map and the copy is checked afterwards. */
#ifndef LOCAL_H
#define LOCAL_H

#include "peers.h"
#include <sys/mman.h>

enum { RING_CAPACITY = 2, RING_END = 8, PAGE_WAITING = 0, PAGE_OFFSET = 1, LENT = 3, LENT_MOST = 4 };
#define RING_HEADER 4096
#define RING_GUARD 65536

struct local {
	const unsigned char *ring;
	volatile uint64_t *page;
	uint64_t offset, capacity, gap_bytes;
	int wake, connection, input;
};

/* The answer's length prefix brings the descriptors. */
static void receive_lent(int fd, unsigned char *head, int *lent)
{
	char control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec part = {.iov_base = head, .iov_len = 4};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	if (recvmsg(fd, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC) != 4)
		die("answer");
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	if (!rights || rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len < CMSG_LEN(LENT * sizeof(int))) {
		fprintf(stderr, "nothing was lent\n");
		exit(4);
	}
	lent[LENT] = -1;
	int count = rights->cmsg_len < CMSG_LEN(LENT_MOST * sizeof(int)) ? LENT : LENT_MOST;
	memcpy(lent, CMSG_DATA(rights), (size_t)count * sizeof(int));
}

static void local_open(struct local *local, int connection, const int *lent)
{
	const uint64_t *head = mmap(NULL, RING_HEADER, PROT_READ, MAP_SHARED, lent[0], 0);
	if (head == MAP_FAILED)
		die("ring");
	local->capacity = head[RING_CAPACITY];
	local->ring = mmap(NULL, RING_HEADER + local->capacity + RING_GUARD, PROT_READ, MAP_SHARED, lent[0], 0);
	local->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, lent[1], 0);
	if (local->ring == MAP_FAILED || local->page == MAP_FAILED)
		die("ring");
	local->wake = lent[2];
	local->connection = connection;
	local->input = lent[LENT];
	fcntl(local->wake, F_SETFL, O_NONBLOCK);
}

static uint64_t local_end(const struct local *local)
{
	return __atomic_load_n((const uint64_t *)local->ring + RING_END, __ATOMIC_ACQUIRE);
}

/* Copies what is there, up to the size. What was overwritten is counted and skipped. */
static size_t local_take(struct local *local, char *into, size_t size)
{
	for (;;) {
		uint64_t end = local_end(local), length = end - local->offset, data = local->capacity + RING_GUARD;
		if (length <= local->capacity) {
			length = length < size ? length : size;
			uint64_t at = local->offset % data, first = length < data - at ? length : data - at;
			memcpy(into, local->ring + RING_HEADER + at, first);
			memcpy(into + first, local->ring + RING_HEADER, length - first);
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			if (local_end(local) - local->offset <= local->capacity) {
				local->offset += length;
				local->page[PAGE_OFFSET] = local->offset;
				return length;
			}
		}
		uint64_t start = local_end(local) - local->capacity / 4;
		local->gap_bytes += start - local->offset;
		local->offset = start;
	}
}

/* Sleeps until there is more output, or something on the connection. Returns 0 when that is the end of it. */
static int local_wait(struct local *local)
{
	char byte[64];
	struct pollfd waits[2] = {{.fd = local->wake, .events = POLLIN}, {.fd = local->connection, .events = POLLIN}};
	local->page[PAGE_WAITING] = 1;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (local_end(local) != local->offset) {
		local->page[PAGE_WAITING] = 0;
		return 1;
	}
	poll(waits, 2, -1);
	if (waits[0].revents && read(local->wake, byte, sizeof byte) < 0 && errno != EAGAIN)
		return 0;
	if (!waits[1].revents)
		return 1;
	/* Notices are not looked at; the last frame is told by the end of the connection behind it. */
	return recv(local->connection, byte, sizeof byte, MSG_DONTWAIT) != 0;
}

#endif
