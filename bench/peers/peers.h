/* Shared by the bench's native programs: clock, arguments, reports, quantiles. Header only, so that each program is one
 * file and one gcc call. Every program ends itself after ALARM_SECONDS, so that a broken run leaves nothing behind. */
#ifndef PEERS_H
#define PEERS_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ALARM_SECONDS 240
#define SCRATCH_BYTES (256 * 1024)

static volatile sig_atomic_t stop_asked;

static void on_stop(int number)
{
	(void)number;
	stop_asked = 1;
}

/* SIGTERM and SIGINT interrupt a blocking call and set stop_asked; the report is still written. */
static void install_stop(void)
{
	struct sigaction action = {.sa_handler = on_stop};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	alarm(ALARM_SECONDS);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(3);
}

/* The value of `--name VALUE` before `--`, or `fallback`. */
static const char *option(int argc, char **argv, const char *name, const char *fallback)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], name) == 0)
			return i + 1 < argc ? argv[i + 1] : "";
	return fallback;
}

static int flag(int argc, char **argv, const char *name)
{
	return option(argc, argv, name, NULL) != NULL;
}

static uint64_t number(int argc, char **argv, const char *name, uint64_t fallback)
{
	const char *text = option(argc, argv, name, NULL);
	return text ? strtoull(text, NULL, 10) : fallback;
}

/* The command after `--`, or NULL. */
static char **command_of(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			return i + 1 < argc ? argv + i + 1 : NULL;
	return NULL;
}

/* Write a report whole: a reader sees no file or all of it. "-" is stdout; what is there and no file is written to,
   as a rename onto /dev/null would put a file in its place. */
static void write_report(const char *path, const char *text)
{
	if (!path || strcmp(path, "-") == 0) {
		fputs(text, stdout);
		fflush(stdout);
		return;
	}
	struct stat there;
	int in_place = stat(path, &there) == 0 && !S_ISREG(there.st_mode);
	char temporary[4096];
	snprintf(temporary, sizeof temporary, in_place ? "%s" : "%s.part", path);
	FILE *file = fopen(temporary, "w");
	if (!file)
		die(temporary);
	fputs(text, file);
	fclose(file);
	if (!in_place && rename(temporary, path) != 0)
		die(path);
}

static void touch(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	close(fd);
}

static void raw_mode(int fd)
{
	struct termios mode;
	if (tcgetattr(fd, &mode) != 0)
		return; /* a pipe */
	cfmakeraw(&mode);
	if (tcsetattr(fd, TCSANOW, &mode) != 0)
		die("tcsetattr");
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Sorts `samples` and writes their quantiles, in microseconds, as a JSON object. */
static void quantiles(uint64_t *samples, size_t count, char *text, size_t size)
{
	if (count == 0) {
		snprintf(text, size, "{\"count\":0}\n");
		return;
	}
	qsort(samples, count, sizeof *samples, compare_u64);
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += (double)samples[i];
#define AT(q) ((double)samples[(size_t)((double)(count - 1) * (q))] / 1e3)
	snprintf(text, size,
		 "{\"count\":%zu,\"mean_us\":%.2f,\"p10_us\":%.2f,\"p50_us\":%.2f,\"p90_us\":%.2f,\"p99_us\":%.2f,\"max_us\":%.2f}\n",
		 count, sum / (double)count / 1e3, AT(0.1), AT(0.5), AT(0.9), AT(0.99), AT(1.0));
#undef AT
}

static void pause_us(uint64_t us)
{
	struct timespec t = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};
	nanosleep(&t, NULL);
}

static void write_all(int fd, const void *data, size_t length)
{
	const char *at = data;
	while (length) {
		ssize_t n = write(fd, at, length);
		if (n < 0) {
			if (errno == EINTR && !stop_asked)
				continue;
			if (errno == EAGAIN) {
				struct pollfd wait = {.fd = fd, .events = POLLOUT};
				poll(&wait, 1, 1000);
				continue;
			}
			die("write");
		}
		at += n;
		length -= (size_t)n;
	}
}

/* One child on a new PTY of 24x80 in the given mode. Returns the master, which is blocking. */
static int spawn_on_pty(char **command, pid_t *child)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	int master;
	*child = forkpty(&master, NULL, NULL, &size);
	if (*child < 0)
		die("forkpty");
	if (*child == 0) {
		execvp(command[0], command);
		die(command[0]);
	}
	fcntl(master, F_SETFD, FD_CLOEXEC);
	return master;
}

#endif
