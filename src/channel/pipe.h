/* Pipes: a table of connections in one section, each with a ring (ring.h) for either way. The section is only
** reserved; who connects takes the memory of his connection.
**
** Seats tell who lives: one is the listener's, and each connection has one for either end.
**
** The table has a word for each connection, which says what it is: free, waiting for the listener to accept it, or
** accepted. In its upper bits is a ticket, which makes each use of the place another word, and says who came first.
**   free -> waiting       by the client, who has its end's seat and has put the connection in order
**   waiting -> accepted   by the listener, who has taken the other end's seat
**   accepted -> waiting   by the listener, who has not the memory or descriptors to go on, while it has the seat
**   accepted -> free      by the end that closes last, while it has its seat
** A client that finds an accepted one with no living end takes it as free. One that dies before it is waiting leaves a
** free one. One that closes or dies while it waits is accepted all the same: what it sent is still to be received.
**
** In a connection each end has a word: 1 open, 2 closed. An end that is dead but not closed is known by its seat. What
** is in its ring counts: it is looked at once more after that was seen.
**
** Layout: fm_header (sizes: see enum), pipe_words, the table, and from the next page on the connections. */
#ifndef FILEMAP_PIPE_H
#define FILEMAP_PIPE_H

#include "../object/object.h"
#include "ring.h"
#include "stream.h"

typedef struct pipe_words {
  fm_header header;
  fm_word32 listening; /* 1 while there is a listener; one that dies leaves it */
  fm_word32 ticket;    /* the next one */
  uint32_t unused_1[14];
  fm_word32 waiting;   /* a signal: somebody connected */
  uint32_t unused_2[15];
} pipe_words;

_Static_assert(sizeof(pipe_words) == 192, "the layout is the same for all");

typedef struct way {
  fm_ring_words ring;
  fm_word32 data; /* a signal: something came */
  uint32_t unused_1[15];
  fm_word32 space; /* a signal: something went */
  uint32_t unused_2[15];
} way;

typedef struct conn_words {
  fm_word32 ends[2];
  uint32_t unused[14];
  way ways[2]; /* from end 0, from end 1 */
} conn_words;

enum { PLACES, RING_SIZE, CAPACITY, IS_STREAM }; /* in sizes */
enum { CLIENT, SERVER };
enum { NEVER, OPEN, CLOSED };
enum { FREE, WAITING, ACCEPTED, STATE = 3, TICKET = 4 }; /* in the table: state, and ticket times TICKET */
enum { LISTENER_SEAT = 1, END_SEATS = 2, SIGNALS = 4, FIRST_SIGNAL = 1, PAGE = 4096, MOST_PLACES = 1024 };

/* The section, as each of its users has it. */
typedef struct table {
  fm_object block;
  fm_view view; /* of words and table */
  pipe_words *words;
  fm_word32 *places;
} table;

struct fm_conn {
  table table;
  fm_view view;
  conn_words *words;
  uint32_t place, ticket;
  int end; /* ours */
  bool other_died;
  fm_seat seat;
  fm_ring out, in;
  fm_wait_point out_data, out_space, in_data, in_space;
  uint64_t next_look; /* when to see whether the other end lives, by fm_sys_ticks */
  unsigned char *buffer;
  uint32_t buffer_size;
  fm_ahead ahead;
};

static inline uint64_t table_size(uint32_t places)
{
  return (sizeof(pipe_words) + places * (uint64_t)sizeof(fm_word32) + PAGE - 1) / PAGE * PAGE;
}

static inline uint64_t conn_size(uint32_t ring)
{
  return (sizeof(conn_words) + 2 * (uint64_t)ring + PAGE - 1) / PAGE * PAGE;
}

static inline void close_table(table *t)
{
  fm_view_close(&t->view);
  fm_object_close(&t->block);
}

static inline fm_map *map_of(const table *t)
{
  return fm_view_map(&t->view);
}

static inline const fm_section *section_of(const table *t)
{
  return &map_of(t)->section;
}

static inline uint32_t end_seat(uint32_t place, int end)
{
  return END_SEATS + 2 * place + (uint32_t)end;
}

static inline bool listener_lives(const table *t)
{
  return t->words->listening == 1 && fm_seat_is_taken(section_of(t), LISTENER_SEAT);
}

/* {-- Connections (conn.c) ---------------------------------------------------------------------- */

/* Views the memory of a connection whose table, place, end and seat are set; a client takes it, and puts it in order. */
int fm_conn_open(fm_conn *c, fm_error *e);

/* Leaves the seat and lets go of all; also of one that was not opened. */
void fm_conn_free(fm_conn *c);

#endif
