/* The plain C PTY reader: forkpty and a blocking read loop. Also reads the terminal of another program's client.
 *
 *   reader [--out FILE] [--echo N --pace-us P --settle-us S] -- COMMAND...
 *
 * Without --echo: counts bytes until the end or SIGTERM. With --echo: types N letters, one at a time, and measures until
 * the letter comes back; what arrives before the first (a client's greeting) is read away during the settling time.
 */
#include "peers.h"

static void count_bytes(int master, const char *out)
{
	static char data[SCRATCH_BYTES];
	char text[256];
	uint64_t bytes = 0, reads = 0, first = 0, last = 0;
	while (!stop_asked) {
		ssize_t n = read(master, data, sizeof data);
		if (n <= 0) {
			if (n < 0 && errno == EINTR)
				continue;
			break;
		}
		if (!first)
			first = now_ns();
		bytes += (uint64_t)n;
		reads++;
	}
	last = now_ns();
	snprintf(text, sizeof text, "{\"bytes\":%llu,\"reads\":%llu,\"first_ns\":%llu,\"last_ns\":%llu}\n",
		 (unsigned long long)bytes, (unsigned long long)reads, (unsigned long long)first, (unsigned long long)last);
	write_report(out, text);
}

static int settle(int master, uint64_t us)
{
	char data[4096];
	struct pollfd wait = {.fd = master, .events = POLLIN};
	uint64_t until = now_ns() + us * 1000;
	while (now_ns() < until)
		if (poll(&wait, 1, 20) > 0 && read(master, data, sizeof data) <= 0)
			return -1;
	return 0;
}

static void measure_echo(int master, size_t count, uint64_t pace_us, const char *out)
{
	char data[4096], text[512];
	uint64_t *samples = calloc(count, sizeof *samples);
	size_t done = 0;
	for (; done < count && !stop_asked; done++) {
		char letter = (char)('a' + done % 26);
		pause_us(pace_us);
		uint64_t start = now_ns();
		write_all(master, &letter, 1);
		ssize_t n;
		do
			n = read(master, data, sizeof data);
		while (n > 0 && !memchr(data, letter, (size_t)n));
		if (n <= 0)
			break;
		samples[done] = now_ns() - start;
	}
	quantiles(samples, done, text, sizeof text);
	write_report(out, text);
}

int main(int argc, char **argv)
{
	char **command = command_of(argc, argv);
	const char *out = option(argc, argv, "--out", "-");
	size_t echoes = (size_t)number(argc, argv, "--echo", 0);
	pid_t child;
	if (!command)
		return 2;
	install_stop();
	int master = spawn_on_pty(command, &child);
	if (echoes) {
		if (settle(master, number(argc, argv, "--settle-us", 100000)) == 0)
			measure_echo(master, echoes, number(argc, argv, "--pace-us", 300), out);
	} else {
		count_bytes(master, out);
	}
	close(master);
	kill(child, SIGHUP);
	kill(child, SIGCONT);
	waitpid(child, NULL, 0);
	return 0;
}
