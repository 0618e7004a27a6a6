/* Waiting, and who of those that are served has something. What the thread calls stands here. */

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pump.h"

#define PUBLIC __attribute__((visibility("default")))

static const uint64_t NS_A_MS = 1000000;
static const int BUFFERS_KEPT_MS = 1000;

uint64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

/* --- who is served ----------------------------------------------------------------------------------------------------- */

static void *find(const struct pump *pump, int fd, enum kind kind)
{
    if (fd < 0 || (size_t)fd >= pump->fds || pump->by_fd[fd].kind != kind)
        return NULL;
    return pump->by_fd[fd].who;
}

struct stream *stream_of(const struct pump *pump, int fd)
{
    return find(pump, fd, STREAM);
}

/* Make room for one more, in the table and for what may be told. */
static bool make_room(struct pump *pump, int fd)
{
    if (fd < 0)
        return false;
    if ((size_t)fd >= pump->fds) {
        size_t fds = (size_t)fd + 1 + pump->fds / 2;
        struct entry *by_fd = realloc(pump->by_fd, fds * sizeof *by_fd);
        if (!by_fd)
            return false;
        memset(by_fd + pump->fds, 0, (fds - pump->fds) * sizeof *by_fd);
        pump->by_fd = by_fd;
        pump->fds = fds;
    }
    size_t wanted = 2 * (pump->served + 1) + EVENTS_A_POLL;
    if (wanted > pump->told_room) {
        struct told *told = realloc(pump->told, 2 * wanted * sizeof *told);
        if (!told)
            return false;
        pump->told = told;
        pump->told_room = 2 * wanted;
    }
    return pump->by_fd[fd].kind == NOBODY;
}

static void *serve_as(struct pump *pump, int fd, enum kind kind, size_t bytes)
{
    void *who = make_room(pump, fd) ? calloc(1, bytes) : NULL;
    if (who) {
        pump->by_fd[fd] = (struct entry){kind, who};
        pump->served++;
    }
    return who;
}

/* Serve what has this descriptor no more. */
void drop(struct pump *pump, int fd)
{
    free(pump->by_fd[fd].who);
    pump->by_fd[fd] = (struct entry){NOBODY, NULL};
    pump->served--;
}

static void drop_stream(struct pump *pump, struct stream *stream)
{
    remove_waiting(pump, stream);
    note_flood(pump, stream, 0);
    if (pump->look == stream)
        pump->look = NULL;
    drop(pump, stream->fd);
}

/* Leave a stream to the thread, with what was read of it and could not be stored. */
void leave(struct pump *pump, struct stream *stream, const void *data, size_t length)
{
    int fd = stream->fd;
    if (stream->guest)
        give_back(pump, stream->guest, NULL, 0, NULL, 0);
    drop_stream(pump, stream);
    tell(pump, fd, TOLD_LEFT, data, length);
}

void tell(struct pump *pump, int fd, int what, const void *data, size_t length)
{
    pump->told[pump->told_count++] = (struct told){fd, what, data, length};
    pump->carries |= length > 0;
}

/* --- what the thread calls --------------------------------------------------------------------------------------------- */

PUBLIC uint32_t pump_stamp(void)
{
    return PUMP_STAMP;
}

PUBLIC void pump_free(struct pump *pump)
{
    for (size_t fd = 0; fd < pump->fds; fd++)
        free(pump->by_fd[fd].who);
    munmap(pump->scratch, BUFFERS_BYTES);
    free(pump->by_fd);
    free(pump->told);
    free(pump);
}

/* NULL: no memory. The descriptor of the epoll stays the caller's. */
PUBLIC struct pump *pump_new(int epoll_fd)
{
    struct pump *pump = calloc(1, sizeof *pump);
    if (!pump)
        return NULL;
    void *buffers = mmap(NULL, BUFFERS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffers == MAP_FAILED) {
        free(pump);
        return NULL;
    }
    pump->scratch = buffers;
    pump->slots = pump->scratch + GUARD_BYTES;
    pump->epoll_fd = epoll_fd;
    pump->last_waiting = &pump->waiting;
    pump->flood_turn = 1;
    if (!make_room(pump, 0)) {
        pump_free(pump);
        return NULL;
    }
    return pump;
}

/* Serve a stream whose descriptor the epoll has; `is_ready`: there may be something already. False: no memory. */
PUBLIC bool pump_take(struct pump *pump, int fd, int ring_fd, int event_fd, uint64_t *words, bool is_pty, bool is_ready)
{
    struct stream *stream = serve_as(pump, fd, STREAM, sizeof *stream);
    if (!stream)
        return false;
    *stream = (struct stream){.fd = fd, .ring_fd = ring_fd, .event_fd = event_fd, .is_pty = is_pty, .words = words,
                              .capacity = words[W_CAPACITY]};
    if (is_ready)
        put_waiting(pump, stream);
    return true;
}


/* Say who reads a stream locally. Each that sleeps is woken: something may have come before it was known here. */
PUBLIC void pump_readers(struct pump *pump, int fd, const struct reader *readers, int count)
{
    struct stream *stream = stream_of(pump, fd);
    if (!stream)
        return;
    stream->reader_count = count < MAX_READERS ? count : MAX_READERS;
    memcpy(stream->readers, readers, (size_t)stream->reader_count * sizeof *readers);
    for (int i = 0; i < stream->reader_count; i++)
        if (take_flag(&readers[i].words[R_WAITING])) {
            ssize_t ignored = write((int)readers[i].wake_fd, "", 1);
            (void)ignored;
        }
}

/* Type what comes from a socket that the epoll has. False: no memory. */
PUBLIC bool pump_type(struct pump *pump, int fd, int terminal_fd, int stream_fd, int event_fd, uint64_t *words,
                      uint64_t *page, uint64_t *taken)
{
    struct input *input = serve_as(pump, fd, INPUT, sizeof *input);
    if (!input)
        return false;
    *input = (struct input){fd, terminal_fd, event_fd, stream_fd, words, page, taken};
    return true;
}

PUBLIC void pump_stop_typing(struct pump *pump, int fd)
{
    if (find(pump, fd, INPUT))
        drop(pump, fd);
}

/* Serve a guest, whose connection the epoll has, for one loan. Its stream has to be served. Where it was given back at
   once the thread is not told of it besides. */
PUBLIC int pump_lend(struct pump *pump, int fd, int stream_fd, uint64_t *words, uint64_t loan, uint64_t sent,
                     uint64_t taken)
{
    struct stream *stream = stream_of(pump, stream_fd);
    struct guest *guest = stream && !stream->guest ? serve_as(pump, fd, GUEST, sizeof *guest) : NULL;
    if (!guest)
        return NOT_LENT;
    *guest = (struct guest){fd, stream, words, loan, sent, taken};
    stream->guest = guest;
    catch_up(pump, guest);
    if (stream->guest)
        return LENT;
    pump->told_count--;
    return LENT_AND_BACK;
}

/* Serve a guest no more; to give it back is the caller's. */
PUBLIC void pump_unlend(struct pump *pump, int fd)
{
    struct guest *guest = find(pump, fd, GUEST);
    if (guest) {
        guest->stream->guest = NULL;
        drop(pump, fd);
    }
}

/* Leave a stream to the thread at once, which has taken back its guest. */
PUBLIC void pump_leave(struct pump *pump, int fd)
{
    struct stream *stream = stream_of(pump, fd);
    if (!stream)
        return;
    if (stream->guest)
        pump_unlend(pump, stream->guest->fd);
    drop_stream(pump, stream);
}

/* --- waiting ------------------------------------------------------------------------------------------------------------- */

static void dispatch(struct pump *pump, int fd)
{
    struct entry entry = (size_t)fd < pump->fds ? pump->by_fd[fd] : (struct entry){NOBODY, NULL};
    struct stream *stream = entry.who;
    switch (entry.kind) {
    case STREAM:
        if (stream->is_waiting)
            break;
        if (stream->flood && floods_are_many(pump))
            put_waiting(pump, stream); /* read together with the others */
        else
            turn(pump, stream);
        break;
    case INPUT:
        serve_input(pump, entry.who);
        break;
    case GUEST:
        serve_guest(pump, entry.who);
        break;
    case NOBODY:
        tell(pump, fd, TOLD_LOOK, NULL, 0);
    }
}

/* Ask the kernel who has something; how many. Sleeps for so long at most, where nothing is to be done here. */
static int poll_events(struct pump *pump, int timeout_ms)
{
    struct epoll_event events[EVENTS_A_POLL];
    if (pump->waiting || pump->look)
        timeout_ms = 0;
    else if (pump->is_touched && !floods_within(pump, (uint64_t)BUFFERS_KEPT_MS * NS_A_MS))
        release_buffers(pump);
    else if (pump->is_touched && (timeout_ms < 0 || timeout_ms > BUFFERS_KEPT_MS))
        timeout_ms = BUFFERS_KEPT_MS;
    int count = epoll_wait(pump->epoll_fd, events, EVENTS_A_POLL, timeout_ms);
    pump->event_at = 0;
    pump->event_count = count > 0 ? count : 0;
    for (int i = 0; i < pump->event_count; i++)
        pump->event_fds[i] = events[i].data.fd;
    return pump->event_count;
}

/* Serve until there is something to tell, or the time is over (-1: it never is; 0: one look). How much is told, in `told`,
   which is valid until the next call. */
PUBLIC int pump_wait(struct pump *pump, int timeout_ms, const struct told **told)
{
    uint64_t until_ns = timeout_ms > 0 ? now_ns() + (uint64_t)timeout_ms * NS_A_MS : 0;
    bool is_over = false;
    pump->told_count = 0;
    pump->carries = false;
    for (;;) {
        while (pump->event_at < pump->event_count && !pump->carries)
            dispatch(pump, pump->event_fds[pump->event_at++]);
        if (pump->waiting && !pump->carries)
            serve_floods(pump);
        if (pump->told_count || is_over)
            break;
        if (timeout_ms > 0) {
            uint64_t at_ns = now_ns();
            timeout_ms = at_ns < until_ns ? (int)((until_ns - at_ns + NS_A_MS - 1) / NS_A_MS) : 0;
        }
        is_over = timeout_ms == 0;
        if (!poll_events(pump, timeout_ms) && pump->look)
            give_way(pump);
    }
    *told = pump->told;
    return (int)pump->told_count;
}
