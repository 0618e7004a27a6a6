/* The streams that flood: which they are, and whose turn it is. In Python: floods.py, scratch.py.

   Many are read in rounds, one read of each in turn: until a terminal is come to again, the kernel's worker has been there. */

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pump.h"

enum { PASSES = 2, FORGET_AFTER = 16 };

bool floods_within(const struct pump *pump, uint64_t ns)
{
    return pump->flooded_at_ns && now_ns() - pump->flooded_at_ns < ns;
}

bool floods_are_many(const struct pump *pump)
{
    return pump->flood_count > FEW_FLOODS;
}

/* Say how much a terminal gave when it was last come to: a flood gives at least what one read takes. */
void note_flood(struct pump *pump, struct stream *stream, size_t got)
{
    if (got >= PTY_READ_BYTES) {
        if (!stream->flood) {
            stream->next_flood = pump->floods;
            pump->floods = stream;
            pump->flood_count++;
        }
        stream->flood = pump->flood_turn;
        pump->flooded_at_ns = now_ns();
        pump->is_touched = true;
    } else if (stream->flood) {
        struct stream **at = &pump->floods;
        while (*at != stream)
            at = &(*at)->next_flood;
        *at = stream->next_flood;
        pump->flood_count--;
        stream->flood = 0;
    }
}

void put_waiting(struct pump *pump, struct stream *stream)
{
    if (stream->is_waiting)
        return;
    stream->is_waiting = true;
    stream->next_waiting = NULL;
    *pump->last_waiting = stream;
    pump->last_waiting = &stream->next_waiting;
}

void remove_waiting(struct pump *pump, struct stream *stream)
{
    if (!stream->is_waiting)
        return;
    struct stream **at = &pump->waiting;
    while (*at != stream)
        at = &(*at)->next_waiting;
    *at = stream->next_waiting;
    if (!*at)
        pump->last_waiting = at;
    stream->is_waiting = false;
}

/* A burst may end with a full read: only the next look would show that it was no flood. */
static void forget_the_quiet(struct pump *pump)
{
    for (struct stream *stream = pump->floods, *next; stream; stream = next) {
        next = stream->next_flood;
        if (stream->flood + FORGET_AFTER <= pump->flood_turn)
            note_flood(pump, stream, 0);
    }
}

static bool is_plain(const struct stream *stream)
{
    return stream->is_pty && room(stream) >= SLOT_BYTES;
}

/* One read of each in turn, as long as each gives full ones; what they gave is stored then. */
static void serve_together(struct pump *pump, struct stream **streams, int count)
{
    size_t total[TOGETHER] = {0};
    bool more[TOGETHER], is_strange[TOGETHER] = {false};
    for (int i = 0; i < count; i++)
        more[i] = true;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < count; i++) {
            if (!more[i])
                continue;
            ssize_t got = read(streams[i]->fd, pump->slots + i * SLOT_BYTES + total[i], PTY_READ_BYTES);
            if (got < 0)
                is_strange[i] = errno != EAGAIN && errno != EIO; /* what it is shows in a turn of its own */
            else
                total[i] += (size_t)got;
            more[i] = got == PTY_READ_BYTES;
        }
    for (int i = 0; i < count; i++) {
        note_flood(pump, streams[i], total[i]);
        if ((!total[i] || store(pump, streams[i], pump->slots + i * SLOT_BYTES, total[i])) && (more[i] || is_strange[i]))
            put_waiting(pump, streams[i]);
    }
}

static struct stream *first_waiting(struct pump *pump)
{
    struct stream *stream = pump->waiting;
    remove_waiting(pump, stream);
    return stream;
}

/* Each of those that wait, once. */
static void pass(struct pump *pump)
{
    struct stream *streams[TOGETHER], *last = NULL, *stream;
    for (stream = pump->waiting; stream; stream = stream->next_waiting)
        last = stream;
    for (bool is_over = false; !is_over && !pump->carries;) {
        int count = 0;
        while (count < TOGETHER && !is_over) {
            stream = first_waiting(pump);
            is_over = stream == last;
            if (is_plain(stream))
                streams[count++] = stream;
            else {
                turn(pump, stream);
                if (pump->carries)
                    break;
            }
        }
        if (pump->carries) /* what was read into the slots is not touched before the thread has seen the rest */
            while (count)
                put_waiting(pump, streams[--count]);
        else if (count)
            serve_together(pump, streams, count);
    }
}

/* Come to one of a few, or to all of many: a look at who woke asks the kernel about each and costs too much. */
void serve_floods(struct pump *pump)
{
    if (!floods_are_many(pump)) {
        turn(pump, first_waiting(pump));
        return;
    }
    pump->flood_turn++;
    if (pump->flood_turn % FORGET_AFTER == 0)
        forget_the_quiet(pump);
    for (int i = 0; i < PASSES && pump->waiting && !pump->carries; i++)
        pass(pump);
}

/* Give back what floods have needed; it is there again when it is touched. */
void release_buffers(struct pump *pump)
{
    madvise(pump->scratch, BUFFERS_BYTES, MADV_DONTNEED);
    pump->is_touched = false;
}
