/* What the files of the pump share: who is served, what is told, and what each file does for the others.

   The pump is what a draining thread does while nothing special happens, without the interpreter: output into rings, what
   local readers type into terminals, keys and output of guests. What is not plain it leaves to the thread, and tells it so.
   The same stands in Python (turns, scratch, floods, inputs, guests, echo_look), where it says why; that serves what is
   left, and everything where nothing could be compiled.

   All of a pump belongs to one thread. */

#ifndef ROOST_PUMP_H
#define ROOST_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "numbers.h"

enum { EVENTS_A_POLL = 64, TOGETHER = 8, ROUNDS = 8, SLOT_BYTES = ROUNDS * PTY_READ_BYTES };
enum { SLOTS_BYTES = TOGETHER * SLOT_BYTES, BUFFERS_BYTES = GUARD_BYTES + SLOTS_BYTES };

/* What the thread is told. */
enum {
    TOLD_LOOK,  /* something happened to a descriptor that is not ours */
    TOLD_LEFT,  /* a stream is the thread's again; `length` bytes were read of it and could not be stored */
    TOLD_INPUT, /* an input is the thread's again; `length` bytes were read of it and not typed */
    TOLD_BACK,  /* a guest was given back to the daemon */
};

/* What became of a loan. */
enum { NOT_LENT, LENT, LENT_AND_BACK };

struct told {
    int32_t fd, what;
    const void *data; /* valid until the next wait */
    uint64_t length;
};

struct reader {
    uint64_t *words; /* its page */
    int64_t wake_fd;
};

/* As Python has them (pump.py), and words that are stored whole. Other machines do without a pump. */
_Static_assert(sizeof(void *) == 8 && sizeof(off_t) == 8, "not a machine of 64 bits");
_Static_assert(sizeof(struct told) == 24 && sizeof(struct reader) == 16, "not as Python has them");

struct guest;

struct stream {
    int fd, ring_fd, event_fd;
    bool is_pty, is_waiting; /* may have more right now, and is in that list */
    uint64_t *words;         /* the ring's header */
    uint64_t capacity;
    uint64_t flood; /* not 0: the last look gave as much as a read takes; in which turn of the floods */
    struct guest *guest;
    struct stream *next_waiting, *next_flood;
    int reader_count;
    struct reader readers[MAX_READERS];
};

struct input {
    int fd, terminal_fd, event_fd, stream_fd;
    uint64_t *words; /* the ring's header */
    uint64_t *page;  /* the reader's */
    uint64_t *taken; /* how many bytes the terminal has taken, where no other process writes */
};

struct guest {
    int fd;
    struct stream *stream;
    uint64_t *words; /* its page */
    uint64_t loan, sent, taken;
};

enum kind { NOBODY, STREAM, INPUT, GUEST };

struct entry {
    enum kind kind;
    void *who;
};

struct pump {
    int epoll_fd;
    struct entry *by_fd;
    size_t fds, served;

    struct told *told; /* room for two of each entry, so that to tell cannot fail */
    size_t told_count, told_room;
    bool carries; /* what was told points into our memory: the thread has to see it first */

    int event_at, event_count;
    int event_fds[EVENTS_A_POLL];

    struct stream *waiting, **last_waiting;
    struct stream *floods; /* those that flood, also while they wait for their next bytes */
    int flood_count;
    uint64_t flood_turn, flooded_at_ns;

    struct stream *look; /* whose echo is looked for */
    uint64_t look_until_ns;
    int skips, vain;

    unsigned char rest[INPUT_PIECE_BYTES];
    /* What streams are read into, one alone or many together; pages of the kernel, which floods touch, and behind which
       they are given back. */
    unsigned char *scratch, *slots;
    bool is_touched;
};

/* pump.c */
uint64_t now_ns(void);
void tell(struct pump *pump, int fd, int what, const void *data, size_t length);
struct stream *stream_of(const struct pump *pump, int fd);
void drop(struct pump *pump, int fd);
void leave(struct pump *pump, struct stream *stream, const void *data, size_t length);

/* turns.c */
void wake(int event_fd);
bool take_flag(uint64_t *word);
void note_input(uint64_t *words);
uint64_t room(const struct stream *stream);
bool store(struct pump *pump, struct stream *stream, const unsigned char *piece, size_t length);
void turn(struct pump *pump, struct stream *stream);
void look_for_echo(struct pump *pump, struct stream *stream);
void give_way(struct pump *pump);

/* floods.c */
bool floods_within(const struct pump *pump, uint64_t ns);
bool floods_are_many(const struct pump *pump);
void note_flood(struct pump *pump, struct stream *stream, size_t got);
void put_waiting(struct pump *pump, struct stream *stream);
void remove_waiting(struct pump *pump, struct stream *stream);
void serve_floods(struct pump *pump);
void release_buffers(struct pump *pump);

/* typed.c */
void serve_input(struct pump *pump, struct input *input);
void serve_guest(struct pump *pump, struct guest *guest);
void send_guest(struct pump *pump, struct guest *guest, const unsigned char *piece, size_t length);
void catch_up(struct pump *pump, struct guest *guest);
void give_back(struct pump *pump, struct guest *guest, const void *read, size_t read_length, const void *rest,
               size_t rest_length);

#endif
