/* Just enough of roost's stream frames to count output: a 4-byte big-endian length, then protobuf fields. Field 1 is
 * output (bytes); field 1000 may hold gap {from, to} as its field 2; any other top-level field ends the stream. Output
 * is skipped, not copied; only an incomplete head (or a small frame that is not output) is kept for the next read. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CARRY_BYTES 4096 /* room in front of a read buffer for what the last read left over */
#define HEAD_BYTES 64    /* the length, the extension and the output's key always fit */

struct stream {
	unsigned char carry[CARRY_BYTES];
	size_t carried;
	uint64_t skip;       /* bytes of the frame under way that are still to come and need no look */
	uint64_t skip_output; /* how many of those are output */
	uint64_t gap_bytes, frames;
	int ended;
};

static size_t frame_length(const unsigned char *head)
{
	return (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
}

/* Reads a varint at *at; 0 when the buffer ends inside it. */
static int varint(const unsigned char *data, size_t length, size_t *at, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; *at < length && shift < 64; shift += 7) {
		unsigned char byte = data[(*at)++];
		*value |= (uint64_t)(byte & 127) << shift;
		if (!(byte & 128))
			return 1;
	}
	return 0;
}

/* Steps over one field. Returns its number, 0 at the end or on something unknown. For bytes, *body is its start. */
static uint64_t next_field(const unsigned char *data, size_t length, size_t *at, uint64_t *value, size_t *body)
{
	uint64_t key;
	if (!varint(data, length, at, &key))
		return 0;
	*body = 0;
	switch (key & 7) {
	case 0:
		return varint(data, length, at, value) ? key >> 3 : 0;
	case 1:
		*at += 8;
		return key >> 3;
	case 2:
		if (!varint(data, length, at, value))
			return 0;
		*body = *at;
		*at += *value;
		return key >> 3;
	default:
		return 0;
	}
}

/* The last scalar value of a field, 0 when absent. */
static uint64_t field_number(const unsigned char *data, size_t length, uint64_t wanted)
{
	size_t at = 0, body;
	uint64_t field, value, found = 0;
	while (at < length && (field = next_field(data, length, &at, &value, &body)))
		if (field == wanted && !body)
			found = value;
	return found;
}

static void look_at_extension(struct stream *stream, const unsigned char *data, size_t length)
{
	size_t at = 0, body;
	uint64_t field, value;
	while (at < length && (field = next_field(data, length, &at, &value, &body)))
		if (field == 2 && body && at <= length)
			stream->gap_bytes += field_number(data + body, (size_t)value, 2) - field_number(data + body, (size_t)value, 1);
}

/* Looks at one frame of which `have` bytes of payload are here. Returns output bytes here, -1 when more must come. */
static int64_t look_at_frame(struct stream *stream, const unsigned char *data, size_t have, size_t length)
{
	size_t at = 0, body;
	uint64_t field, value;
	while (at < length) {
		size_t field_at = at;
		field = at < have ? next_field(data, have, &at, &value, &body) : 0;
		if (field == 1 && body) { /* output: its body may still be on its way, but it is the last field */
			uint64_t here = body + value <= have ? value : have - body;
			stream->skip_output = value - here;
			return (int64_t)here;
		}
		if (!field || at > have)
			return have >= length || (field_at == 0 && have > HEAD_BYTES * 32) ? 0 : -1;
		if (field == 1000)
			look_at_extension(stream, data + body, (size_t)value);
		else
			stream->ended = 1;
	}
	return 0;
}

/* Feeds what one read gave; there must be CARRY_BYTES of room in front of `data`. Returns output bytes seen. */
static int64_t stream_feed(struct stream *stream, unsigned char *data, size_t length)
{
	int64_t output = 0;
	if (stream->skip) {
		uint64_t skipped = stream->skip < length ? stream->skip : length;
		uint64_t seen = stream->skip_output < skipped ? stream->skip_output : skipped;
		stream->skip -= skipped;
		stream->skip_output -= seen;
		output += (int64_t)seen;
		data += skipped;
		length -= skipped;
	}
	if (stream->carried) {
		data -= stream->carried;
		length += stream->carried;
		memcpy(data, stream->carry, stream->carried);
		stream->carried = 0;
	}
	while (length >= 4) {
		size_t whole = frame_length(data), have = length - 4 < whole ? length - 4 : whole;
		uint64_t gaps = stream->gap_bytes;
		int64_t seen = look_at_frame(stream, data + 4, have, whole);
		if (seen < 0) {
			stream->gap_bytes = gaps; /* it will be looked at again, whole */
			break;
		}
		stream->frames++;
		output += seen;
		stream->skip = whole - have;
		data += 4 + have;
		length -= 4 + have;
	}
	if (length > CARRY_BYTES)
		abort(); /* a frame that is not output and larger than any the daemon sends */
	memcpy(stream->carry, data, length);
	stream->carried = length;
	return output;
}

#endif
