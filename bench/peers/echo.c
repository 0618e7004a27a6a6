/* A child that writes back every byte it reads, in raw mode without echo: the shortest keystroke path a program has.
 *
 *   echo [--ready FILE]
 */
#include "peers.h"

int main(int argc, char **argv)
{
	char data[4096];
	const char *ready = option(argc, argv, "--ready", NULL);
	install_stop();
	raw_mode(0);
	if (ready)
		touch(ready);
	while (!stop_asked) {
		ssize_t n = read(0, data, sizeof data);
		if (n <= 0)
			break;
		write_all(1, data, (size_t)n);
	}
	return 0;
}
