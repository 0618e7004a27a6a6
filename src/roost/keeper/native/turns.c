/* A stream's turn: what one look moves from a terminal or a pipe into its ring. And the look for an echo.
   In Python: turns.py, echo_look.py. */

#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "pump.h"

/* So that whoever is sent it reads it meanwhile: one flood came at 1.0 of dtach's rate with 4, at 0.9 with 16 and with 2. */
enum { FULL_TURN_READS = 4, SHORT_TURN_READS = 2 };

void wake(int event_fd)
{
    uint64_t one = 1;
    ssize_t ignored = write(event_fd, &one, sizeof one); /* full: then it is awake anyway */
    (void)ignored;
}

/* Whether the other side has set a flag, which is taken back. Asked after what it waits for was stored. */
bool take_flag(uint64_t *word)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(word, __ATOMIC_RELAXED))
        return false;
    __atomic_store_n(word, 0, __ATOMIC_RELAXED);
    return true;
}

void note_input(uint64_t *words)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    __atomic_store_n(&words[W_INPUT_FROM], words[W_END] + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&words[W_INPUT_AT], (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec, __ATOMIC_RELAXED);
}

/* Bytes that may be appended at once before a lossless reader would lose one. */
uint64_t room(const struct stream *stream)
{
    uint64_t hold = __atomic_load_n(&stream->words[W_HOLD], __ATOMIC_ACQUIRE), end = stream->words[W_END];
    if (hold == NONE)
        return GUARD_BYTES;
    uint64_t left = hold + stream->capacity > end ? hold + stream->capacity - end : 0;
    return left < GUARD_BYTES ? left : GUARD_BYTES;
}

static bool write_ring(const struct stream *stream, const unsigned char *piece, size_t length, uint64_t at)
{
    while (length) {
        ssize_t count = pwrite(stream->ring_fd, piece, length, (off_t)(HEADER_BYTES + at));
        if (count <= 0)
            return false;
        piece += count;
        length -= (size_t)count;
        at += (uint64_t)count;
    }
    return true;
}

/* Append what was read, and wake whoever waits for it. False when the stream was left, because the ring's memory could not
   be had: then `end` has not moved, and the bytes go with it. */
bool store(struct pump *pump, struct stream *stream, const unsigned char *piece, size_t length)
{
    uint64_t end = stream->words[W_END], data_bytes = stream->capacity + GUARD_BYTES, at = end % data_bytes;
    size_t first = data_bytes - at < length ? (size_t)(data_bytes - at) : length;
    if (!write_ring(stream, piece, first, at) || !write_ring(stream, piece + first, length - first, 0)) {
        leave(pump, stream, piece, length);
        return false;
    }
    __atomic_store_n(&stream->words[W_END], end + length, __ATOMIC_RELEASE);
    if (stream->guest)
        send_guest(pump, stream->guest, piece, length);
    for (int i = 0; i < stream->reader_count; i++)
        if (take_flag(&stream->readers[i].words[R_WAITING])) {
            ssize_t ignored = write((int)stream->readers[i].wake_fd, "", 1); /* full: it will wake already */
            (void)ignored;
        }
    if (take_flag(&stream->words[W_WAITING]))
        wake(stream->event_fd);
    return true;
}

/* What there is of a terminal, up to so many reads; `more`: there may be more. False: nothing, and the fault is no plain
   one. EIO is: the child has closed its terminal, and may open it again, which makes an edge. */
static bool read_terminal(struct pump *pump, int fd, size_t limit, int reads, size_t *total, bool *more)
{
    *total = 0;
    while (reads-- > 0) {
        size_t wanted = limit < GUARD_BYTES ? limit : PTY_READ_BYTES;
        ssize_t got = read(fd, pump->scratch + *total, wanted);
        if (got < 0) {
            *more = errno != EAGAIN && errno != EIO;
            return !*more || *total > 0 || errno == EINTR;
        }
        *total += (size_t)got;
        *more = (size_t)got == (wanted < PTY_READ_BYTES ? wanted : PTY_READ_BYTES);
        if (!*more || limit < GUARD_BYTES)
            return true;
    }
    return true;
}

/* The same of a pipe. Its end is the thread's. */
static bool read_pipe(struct pump *pump, int fd, size_t limit, size_t *total)
{
    ssize_t got = read(fd, pump->scratch, limit);
    *total = got > 0 ? (size_t)got : 0;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Move up to a guard of bytes; a stream that may have more waits then, and one that cannot go on is left. */
void turn(struct pump *pump, struct stream *stream)
{
    size_t limit = (size_t)room(stream), total = 0;
    bool more = false, is_plain;
    if (stream == pump->look) {
        pump->look = NULL;
        pump->vain = 0;
    }
    if (!limit)
        is_plain = false;
    else if (stream->is_pty)
        is_plain = read_terminal(pump, stream->fd, limit, pump->waiting ? SHORT_TURN_READS : FULL_TURN_READS, &total, &more);
    else
        is_plain = read_pipe(pump, stream->fd, limit, &total);
    if (!is_plain) {
        leave(pump, stream, NULL, 0);
        return;
    }
    if (stream->is_pty && (stream->flood || total >= PTY_READ_BYTES))
        note_flood(pump, stream, total);
    if (total && !store(pump, stream, pump->scratch, total))
        return;
    if (more)
        put_waiting(pump, stream);
}

/* --- the look for an echo ------------------------------------------------------------------------------------------ */

/* A keystroke was typed: look for what comes back, unless floods keep this core awake anyway, or it takes too long here. */
void look_for_echo(struct pump *pump, struct stream *stream)
{
    if (stream->is_waiting || floods_within(pump, FLOOD_NS))
        return;
    if (pump->skips) {
        pump->skips--;
        return;
    }
    pump->look = stream;
    pump->look_until_ns = now_ns() + LOOK_NS;
}

/* Nothing has come yet: let others have this core, and give up when it takes too long. */
void give_way(struct pump *pump)
{
    sched_yield();
    if (now_ns() <= pump->look_until_ns)
        return;
    pump->look = NULL;
    pump->vain = pump->vain * 2 + 1 < SKIPS_MOST ? pump->vain * 2 + 1 : SKIPS_MOST;
    pump->skips = pump->vain;
}
