/* A C poll loop over N PTYs, each with the same flooding child: what one thread of C can drain.
 *
 *   poll_reader --ptys N [--out FILE] -- COMMAND...
 *
 * "@" in an argument of the command is replaced by the number of the PTY. One read a ready PTY and turn, as the simplest
 * such loop does. Counts from the first byte until every child is gone or SIGTERM.
 */
#include "peers.h"

static char *numbered(const char *text, unsigned index)
{
	char *result = malloc(strlen(text) + 16);
	const char *at = strchr(text, '@');
	if (!at)
		return strcpy(result, text);
	sprintf(result, "%.*s%u%s", (int)(at - text), text, index, at + 1);
	return result;
}

int main(int argc, char **argv)
{
	static char data[SCRATCH_BYTES];
	char **command = command_of(argc, argv), text[256];
	unsigned count = (unsigned)number(argc, argv, "--ptys", 16), open_count;
	struct pollfd *set = calloc(count, sizeof *set);
	pid_t *children = calloc(count, sizeof *children);
	uint64_t bytes = 0, first = 0;
	if (!command || !set || !children)
		return 2;
	install_stop();
	for (unsigned i = 0; i < count; i++) {
		char *arguments[64];
		unsigned n = 0;
		for (; command[n] && n < 63; n++)
			arguments[n] = numbered(command[n], i);
		arguments[n] = NULL;
		set[i].fd = spawn_on_pty(arguments, &children[i]);
		set[i].events = POLLIN;
	}
	for (open_count = count; open_count && !stop_asked;) {
		if (poll(set, count, -1) < 0)
			continue;
		for (unsigned i = 0; i < count; i++) {
			if (!set[i].revents)
				continue;
			ssize_t n = read(set[i].fd, data, sizeof data);
			if (n > 0) {
				if (!first)
					first = now_ns();
				bytes += (uint64_t)n;
			} else if (n == 0 || errno != EINTR) {
				close(set[i].fd);
				set[i].fd = -1;
				open_count--;
			}
		}
	}
	uint64_t last = now_ns();
	snprintf(text, sizeof text, "{\"bytes\":%llu,\"first_ns\":%llu,\"last_ns\":%llu}\n", (unsigned long long)bytes,
		 (unsigned long long)first, (unsigned long long)last);
	write_report(option(argc, argv, "--out", "-"), text);
	for (unsigned i = 0; i < count; i++) {
		if (set[i].fd >= 0)
			close(set[i].fd);
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	return 0;
}
