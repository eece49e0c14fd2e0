/* The section of a pipe: a table with one place for each connection, and the connections' memory. The section
** is only reserved; a client commits the memory of its connection.
**
** Each place has two words. `state` is FREE, WAITING or ACCEPTED, and in its upper bits a ticket, which
** differs for each use of the place and tells which client came first. `listener` is the number of the
** listener that the client waits for. The seats show which processes live: the listener has one, and each
** place has one for either end of its connection.
**
** A listener begins as follows.
**   1. It acquires FM_PIPE_LISTENER_SEAT.
**   2. It increments `generation`. The result is its number.
**   3. It refuses each client that waits for a listener of another number: it changes the place from WAITING
**      to ACCEPTED without the seat of the server end. That client then finds no living process at the other
**      end.
**   4. It sets `listening` to 1.
** After a listener died `listening` is still 1. A client that connects between steps 1 and 3 of the next
** listener then counts as one of the dead listener's, and is refused too.
** A client connects as follows.
**   1. It looks for a listener: `listening` is 1 and the listener's seat is taken.
**   2. It acquires the client's seat of a FREE place, or of an ACCEPTED place whose two ends are dead. Then
**      it checks the state and the server's seat again, because another client may have used the place
**      meanwhile.
**   3. It commits and prepares the memory of the connection.
**   4. It takes the next ticket, writes the listener's number, changes the state to WAITING with that ticket,
**      and wakes the listener.
** The listener accepts as follows.
**   1. It selects the WAITING client with the oldest ticket. If that one waits for a listener of another
**      number, it refuses the client as above, and selects the next.
**   2. It acquires the seat of the server end, and changes the state from WAITING to ACCEPTED.
**   3. It opens the memory of the connection. If it lacks memory or descriptors, it changes the state back to
**      WAITING, and then releases the seat.
** The end that closes last changes the state from ACCEPTED to FREE, and then releases its seat.
**
** A client that dies before its step 4 leaves the place FREE, or ACCEPTED with two dead ends. A client that
** closes or dies while it waits is accepted all the same, because the messages that it has sent must be
** received.
**
** Layout: fm_header (sizes: FM_PIPE_...), words, places. The connections (conn.c) start at the next page. */
#ifndef FILEMAP_PIPE_TABLE_H
#define FILEMAP_PIPE_TABLE_H

#include "../object/object.h"

FM_BEGIN_HIDDEN

enum { FM_PIPE_PLACES, FM_PIPE_RING_SIZE, FM_PIPE_CAPACITY, FM_PIPE_IS_STREAM }; /* in sizes */
enum { FM_PIPE_VERSION = 2, FM_PIPE_LISTENER_SEAT = 1 };

typedef enum fm_end { FM_CLIENT, FM_SERVER } fm_end;

/* One use of a place. */
typedef struct fm_place {
  uint32_t number, ticket;
} fm_place;

/* The header of a new pipe, whose messages have up to `capacity` bytes and whose rings have `ring` bytes. */
fm_header fm_pipe_header(uint32_t capacity, uint32_t ring, bool stream);

/* As fm_role.check: views the table. */
bool fm_pipe_check(const fm_header *h, uint64_t *view_size);

/* The bytes of a connection before its rings, and where in the section the memory of a place is. */
enum { FM_CONN_WORDS_SIZE = 576 };
uint64_t fm_pipe_conn_offset(const fm_header *h, uint32_t place);
uint64_t fm_pipe_conn_size(uint32_t ring);

/* Opens points[at], at which the listener waits for clients. */
int fm_pipe_open_queued(fm_object *o, int at, fm_error *e);

/* {-- Calls of the listener --------------------------------------------------------------------- */

/* Begins and ends to listen. The caller holds the listener's seat. */
void fm_pipe_start_listening(const fm_object *o);
void fm_pipe_stop_listening(const fm_object *o);

/* Accepts the client that has waited longest, and acquires the seat of its connection's server end:
** FM_TIMEOUT if none waits. It passes over a client whose server seat another process holds, which only a
** hostile process does. */
int fm_pipe_claim_waiting(const fm_object *o, fm_seat *seat, fm_place *out, fm_error *e);

/* Does a client wait that fm_pipe_claim_waiting would accept? */
bool fm_pipe_has_waiting(const fm_object *o);

/* Lets the client of a place that was just accepted wait again. */
void fm_pipe_requeue(const fm_object *o, fm_place place);

/* {-- Calls of the ends ------------------------------------------------------------------------- */

bool fm_pipe_has_listener(const fm_object *o);

/* Finds a place for a client, and acquires the seat of its client end: FM_FULL. */
int fm_pipe_claim_free(const fm_object *o, fm_seat *seat, uint32_t *number, fm_error *e);

/* The client of a place waits from now on. The caller has prepared the connection, and wakes the listener. */
fm_place fm_pipe_queue(const fm_object *o, uint32_t number);

/* Does the client of a place still wait for a listener that lives? */
bool fm_pipe_is_waiting(const fm_object *o, fm_place place);

/* Does the process at an end of the place's connection live? */
bool fm_pipe_end_lives(const fm_object *o, fm_place place, fm_end end);

/* The last end of a connection frees its place. */
void fm_pipe_free(const fm_object *o, fm_place place);

FM_END_HIDDEN

#endif
