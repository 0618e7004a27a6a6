/* A child that writes as fast as it is read.
 *
 *   flood [--bytes N | --seconds S] [--chunk C] [--colours] [--go LOCKFILE] [--report FILE] [--hold] [--fd 1]
 *
 * stdout is put into raw mode if it is a terminal, so that what is counted is what was written. Lines of 80 bytes, so
 * that multiplexers do ordinary work. With --go it creates FILE.ready, then waits for the shared lock on LOCKFILE (the
 * bench holds it exclusively and lets all children go at once). With --colours two words of each line are coloured, as a
 * compiler or a test runner does. With --hold it stays, idle, after the last byte.
 * The report: bytes, and start and end on CLOCK_MONOTONIC, which is comparable between processes.
 */
#include "peers.h"

static void wait_for_go(const char *lock_path, const char *report)
{
	char ready[4096];
	int fd = open(lock_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(lock_path);
	if (report) {
		snprintf(ready, sizeof ready, "%s.ready", report);
		touch(ready);
	}
	if (flock(fd, LOCK_SH) != 0)
		die("flock");
	close(fd);
}

static void colour(char *line)
{
	memcpy(line, "\033[1;32m", 7);
	memcpy(line + 20, "\033[0m", 4);
	memcpy(line + 40, "\033[31m", 5);
	memcpy(line + 60, "\033[0m", 4);
}

int main(int argc, char **argv)
{
	install_stop();
	uint64_t total = number(argc, argv, "--bytes", UINT64_MAX), seconds = number(argc, argv, "--seconds", 0);
	size_t chunk = (size_t)number(argc, argv, "--chunk", 4096);
	int out = (int)number(argc, argv, "--fd", 1);
	const char *go = option(argc, argv, "--go", NULL), *report = option(argc, argv, "--report", NULL);
	char *data = malloc(chunk + 80), text[256];
	if (!data)
		die("malloc");
	for (size_t i = 0; i < chunk + 80; i++)
		data[i] = i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : (char)('!' + (i * 7 + i / 80) % 90);
	if (flag(argc, argv, "--colours"))
		for (size_t line = 0; line + 80 <= chunk + 80; line += 80)
			colour(data + line);
	raw_mode(out);
	if (go)
		wait_for_go(go, report);
	uint64_t written = 0, start = now_ns(), deadline = seconds ? start + seconds * 1000000000u : UINT64_MAX;
	while (written < total && !stop_asked) {
		size_t want = total - written < chunk ? (size_t)(total - written) : chunk;
		ssize_t n = write(out, data + written % 80, want);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		written += (uint64_t)n;
		if (deadline != UINT64_MAX && now_ns() >= deadline)
			break;
	}
	uint64_t end = now_ns();
	snprintf(text, sizeof text, "{\"bytes\":%llu,\"start_ns\":%llu,\"end_ns\":%llu}\n", (unsigned long long)written,
		 (unsigned long long)start, (unsigned long long)end);
	if (report)
		write_report(report, text);
	while (flag(argc, argv, "--hold") && !stop_asked)
		pause();
	return 0;
}
