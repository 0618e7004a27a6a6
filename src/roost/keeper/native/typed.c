/* What is typed past the daemon: by local readers through sockets of their own, by guests in v1's frames; and what a
   guest is sent. In Python: inputs.py, guests.py, plain_frames.py. */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pump.h"

enum { PREFIX = 4, HEAD = PREFIX + 2, SHORT = 128, FIELD_1 = 0x0a, LONGEST_HEAD = PREFIX + 4 };
enum { FRAME_BYTES = REST_MOST - LONGEST_HEAD, FRAMES_MOST = GUARD_BYTES / FRAME_BYTES + 1 };

/* Write what the terminal takes of it. */
static size_t type(int terminal_fd, const unsigned char *typed, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t count = write(terminal_fd, typed + done, length - done);
        if (count <= 0)
            break;
        done += (size_t)count;
    }
    return done;
}

/* One of the local readers has typed: a piece of it goes to the terminal. What that does not take is the thread's. */
void serve_input(struct pump *pump, struct input *input)
{
    int fd = input->fd, event_fd = input->event_fd;
    ssize_t got = read(fd, pump->rest, INPUT_PIECE_BYTES);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) { /* its end; the thread sees it once more */
        drop(pump, fd);
        tell(pump, fd, TOLD_INPUT, NULL, 0);
        return;
    }
    size_t done = type(input->terminal_fd, pump->rest, (size_t)got);
    if (done) {
        /* Noted while the child is at work; the ring's end is where it was, as only this thread moves it. */
        note_input(input->words);
        *input->taken += done;
        __atomic_store_n(&input->page[R_TAKEN], *input->taken, __ATOMIC_RELEASE);
        if (take_flag(&input->words[W_INPUT_WATCHED]))
            wake(event_fd);
    }
    if (done < (size_t)got) {
        drop(pump, fd);
        tell(pump, fd, TOLD_INPUT, pump->rest + done, (size_t)got - done);
    } else if (done <= KEYSTROKE_BYTES) {
        struct stream *stream = stream_of(pump, input->stream_fd);
        if (stream)
            look_for_echo(pump, stream);
    }
}

/* --- guests ---------------------------------------------------------------------------------------------------------- */

/* What precedes the data of a frame of input or output; how long that is. */
static size_t frame_head(unsigned char *head, size_t length)
{
    size_t key = 0, left = length;
    head[PREFIX + key++] = FIELD_1;
    for (; left >= SHORT; left >>= 7)
        head[PREFIX + key++] = (unsigned char)((left & 0x7f) | 0x80);
    head[PREFIX + key++] = (unsigned char)left;
    uint32_t size = (uint32_t)(key + length);
    for (int i = 0; i < PREFIX; i++)
        head[i] = (unsigned char)(size >> (8 * (PREFIX - 1 - i)));
    return PREFIX + key;
}

/* How much was typed in the short frame of input at the beginning of received bytes; 0 where there is none. */
static size_t keystroke(const unsigned char *data, size_t length)
{
    if (length <= HEAD || data[0] || data[1] || data[2] || data[PREFIX] != FIELD_1)
        return 0;
    size_t typed = data[5];
    return data[3] == typed + 2 && typed && typed + HEAD < SHORT && HEAD + typed <= length ? typed : 0;
}

/* Let the daemon go on with a guest: first what it has to know, then, last, that it has the connection again. */
void give_back(struct pump *pump, struct guest *guest, const void *read, size_t read_length, const void *rest,
               size_t rest_length)
{
    struct stream *stream = guest->stream;
    int fd = guest->fd, event_fd = stream->event_fd;
    uint64_t *words = guest->words, loan = guest->loan;
    epoll_ctl(pump->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    stream->guest = NULL;
    drop(pump, fd);
    if (read_length)
        memcpy((unsigned char *)words + READ_AT, read, read_length);
    if (rest_length)
        memcpy((unsigned char *)words + REST_AT, rest, rest_length);
    words[G_READ] = read_length;
    words[G_REST] = rest_length;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&words[G_BACK], loan, __ATOMIC_RELEASE);
    wake(event_fd);
    tell(pump, fd, TOLD_BACK, NULL, 0);
}

/* A guest that is lent has sent something: short frames of input go to the terminal, anything else is the daemon's. */
void serve_guest(struct pump *pump, struct guest *guest)
{
    unsigned char data[GUEST_READ_BYTES], typed[KEYS_MOST_BYTES], left[LONGEST_HEAD + KEYS_MOST_BYTES + GUEST_READ_BYTES];
    struct stream *stream = guest->stream;
    ssize_t got = recv(guest->fd, data, sizeof data, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    size_t length = got > 0 ? (size_t)got : 0, at = 0, typed_length = 0, one;
    while (length < KEYS_MOST_BYTES && (one = keystroke(data + at, length - at))) {
        memcpy(typed + typed_length, data + at + HEAD, one);
        typed_length += one;
        at += HEAD + one;
    }
    if (!at) { /* also its end, which the daemon sees once more */
        give_back(pump, guest, data, length, NULL, 0);
        return;
    }
    ssize_t wrote = write(stream->fd, typed, typed_length);
    size_t count = wrote > 0 ? (size_t)wrote : 0, left_length = 0;
    if (count) {
        note_input(stream->words);
        guest->taken += count;
        __atomic_store_n(&guest->words[G_TAKEN], guest->taken, __ATOMIC_RELAXED);
        if (take_flag(&stream->words[W_INPUT_WATCHED]))
            wake(stream->event_fd);
    }
    if (count < typed_length) {
        left_length = frame_head(left, typed_length - count);
        memcpy(left + left_length, typed + count, typed_length - count);
        left_length += typed_length - count;
    }
    memcpy(left + left_length, data + at, length - at);
    left_length += length - at;
    if (left_length)
        give_back(pump, guest, left, left_length, NULL, 0);
    else if (count <= KEYSTROKE_BYTES)
        look_for_echo(pump, stream);
}

/* Send a guest the next bytes, in frames that fit into what is kept of one that was not taken whole. False when it was given
   back, because it has not taken all. */
static bool send_piece(struct pump *pump, struct guest *guest, const unsigned char *piece, size_t length)
{
    unsigned char heads[FRAMES_MOST][LONGEST_HEAD];
    struct iovec parts[2 * FRAMES_MOST];
    size_t count = 0, sent_frames = 0;
    for (size_t at = 0; at < length; at += FRAME_BYTES, count += 2) {
        size_t data = length - at < FRAME_BYTES ? length - at : FRAME_BYTES;
        parts[count] = (struct iovec){heads[count / 2], frame_head(heads[count / 2], data)};
        parts[count + 1] = (struct iovec){(void *)(uintptr_t)(piece + at), data};
    }
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t took = sendmsg(guest->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t left = took > 0 ? (size_t)took : 0;
    for (; sent_frames < count; sent_frames += 2) {
        size_t whole = parts[sent_frames].iov_len + parts[sent_frames + 1].iov_len;
        if (left < whole)
            break;
        left -= whole;
        guest->sent += parts[sent_frames + 1].iov_len;
    }
    unsigned char frame[LONGEST_HEAD + FRAME_BYTES];
    size_t rest = 0;
    if (sent_frames < count && left) {
        struct iovec head = parts[sent_frames], data = parts[sent_frames + 1];
        memcpy(frame, head.iov_base, head.iov_len);
        memcpy(frame + head.iov_len, data.iov_base, data.iov_len);
        rest = head.iov_len + data.iov_len - left;
        guest->sent += data.iov_len;
    }
    __atomic_store_n(&guest->words[G_SENT], guest->sent, __ATOMIC_RELAXED);
    if (sent_frames == count)
        return true;
    give_back(pump, guest, NULL, 0, frame + left, rest);
    return false;
}

/* Send a guest what was just appended to the ring. */
void send_guest(struct pump *pump, struct guest *guest, const unsigned char *piece, size_t length)
{
    if (guest->sent + length == guest->stream->words[W_END])
        send_piece(pump, guest, piece, length);
    else
        give_back(pump, guest, NULL, 0, NULL, 0);
}

/* Send a guest what has come since the daemon has sent everything; who is far behind is the daemon's again. */
void catch_up(struct pump *pump, struct guest *guest)
{
    struct stream *stream = guest->stream;
    uint64_t end = stream->words[W_END], data_bytes = stream->capacity + GUARD_BYTES;
    for (bool is_lent = true; is_lent && guest->sent != end;) {
        uint64_t at = guest->sent % data_bytes, left = end - guest->sent;
        size_t length = (size_t)(left < data_bytes - at ? left : data_bytes - at);
        is_lent = left <= GUARD_BYTES &&
                  pread(stream->ring_fd, pump->scratch, length, (off_t)(HEADER_BYTES + at)) == (ssize_t)length;
        if (is_lent)
            is_lent = send_piece(pump, guest, pump->scratch, length);
        else
            give_back(pump, guest, NULL, 0, NULL, 0);
    }
}
