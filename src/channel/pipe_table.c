/* The section of a pipe, and the use of its places: pipe_table.h. */
#include "pipe_table.h"
#include "ring.h"

typedef struct pipe_words {
  fm_header header;
  fm_word32 listening;  /* 1 while a listener is open. A listener that dies leaves the 1 */
  fm_word32 ticket;     /* the next one */
  fm_word32 generation; /* the number of the last listener */
  uint32_t unused_1[13];
  fm_word32 queued;     /* a wait point: a client waits */
  uint32_t unused_2[15];
} pipe_words;

_Static_assert(sizeof(pipe_words) == 192, "32- and 64-bit processes use the same layout");

typedef struct place_words {
  fm_word32 state, listener;
} place_words;

enum { FREE, WAITING, ACCEPTED, TICKET = 4 }; /* a state is one of these, plus a ticket times TICKET */
enum { END_SEATS = 2, PAGE = 4096, PLACES_LIMIT = 1024, LEAST_PLACES = 4 };

/* The most addresses, in bytes, that all connections together reserve, unless that is room for fewer than
** LEAST_PLACES. */
static const uint64_t reserved_limit = (uint64_t)1 << 30;

static pipe_words *words_of(const fm_object *o)
{
  return (pipe_words *)(void *)o->view.data;
}

static place_words *place_of(const fm_object *o, uint32_t number)
{
  return (place_words *)(void *)(words_of(o) + 1) + number;
}

static uint32_t end_seat(uint32_t number, fm_end end)
{
  return END_SEATS + 2 * number + (uint32_t)end;
}

/* {-- Sizes ------------------------------------------------------------------------------------- */

static uint64_t pages(uint64_t size)
{
  return (size + PAGE - 1) / PAGE * PAGE;
}

static uint64_t table_size(uint32_t places)
{
  return pages(sizeof(pipe_words) + places * (uint64_t)sizeof(place_words));
}

uint64_t fm_pipe_conn_size(uint32_t ring)
{
  return pages(FM_CONN_WORDS_SIZE + 2 * (uint64_t)ring);
}

uint64_t fm_pipe_conn_offset(const fm_header *h, uint32_t place)
{
  return table_size(h->sizes[FM_PIPE_PLACES]) + place * fm_pipe_conn_size(h->sizes[FM_PIPE_RING_SIZE]);
}

fm_header fm_pipe_header(uint32_t capacity, uint32_t ring, bool stream)
{
  const uint64_t fitting = reserved_limit / fm_pipe_conn_size(ring);
  const uint32_t places = fitting > PLACES_LIMIT ? PLACES_LIMIT : fitting < LEAST_PLACES ? LEAST_PLACES
                                                                                         : (uint32_t)fitting;
  fm_header h = {.sizes = {[FM_PIPE_PLACES] = places, [FM_PIPE_RING_SIZE] = ring,
                           [FM_PIPE_CAPACITY] = capacity, [FM_PIPE_IS_STREAM] = stream}};
  h.size = fm_pipe_conn_offset(&h, places);
  return h;
}

bool fm_pipe_check(const fm_header *h, uint64_t *view_size)
{
  const uint32_t places = h->sizes[FM_PIPE_PLACES], ring = h->sizes[FM_PIPE_RING_SIZE];
  *view_size = table_size(places);
  return places >= 1 && places <= PLACES_LIMIT && fm_ring_is_size(ring) &&
         fm_ring_size(h->sizes[FM_PIPE_CAPACITY]) == ring && h->sizes[FM_PIPE_IS_STREAM] <= 1 &&
         h->size >= fm_pipe_conn_offset(h, places);
}

int fm_pipe_open_queued(fm_object *o, int at, fm_error *e)
{
  return fm_object_wait_point(o, at, 0, &words_of(o)->queued, e);
}

/* {-- The listener ------------------------------------------------------------------------------ */

static bool refuse(place_words *p, uint32_t state)
{
  return atomic_compare_exchange_strong(&p->state, &state, state - WAITING + ACCEPTED);
}

void fm_pipe_start_listening(const fm_object *o)
{
  pipe_words *w = words_of(o);
  atomic_fetch_add(&w->generation, 1);
  for (uint32_t i = 0; i < o->header.sizes[FM_PIPE_PLACES]; i++) {
    const uint32_t state = place_of(o, i)->state;
    if (state % TICKET == WAITING && place_of(o, i)->listener != w->generation) refuse(place_of(o, i), state);
  }
  w->listening = 1;
}

void fm_pipe_stop_listening(const fm_object *o)
{
  words_of(o)->listening = 0;
}

/* The waiting client with the greatest age below *age; false if there is none. A client's age is the number
** of tickets that were given out after its own. */
static bool find_waiting(const fm_object *o, uint32_t now, uint32_t *age, uint32_t *number, uint32_t *state)
{
  uint32_t oldest = 0;
  bool found = false;
  for (uint32_t i = 0; i < o->header.sizes[FM_PIPE_PLACES]; i++) {
    const uint32_t s = place_of(o, i)->state, its_age = (now - s / TICKET) & (UINT32_MAX / TICKET);
    if (s % TICKET != WAITING || its_age >= *age || (found && its_age <= oldest)) continue;
    found = true;
    oldest = its_age;
    *number = i;
    *state = s;
  }
  *age = oldest;
  return found;
}

/* Accepts the client of a place that was waiting with `state`, and acquires the seat of its server end.
** FM_TIMEOUT if this client cannot be accepted. */
static int claim(const fm_object *o, fm_seat *seat, uint32_t number, uint32_t state, fm_error *e)
{
  place_words *p = place_of(o, number);
  if (p->listener != words_of(o)->generation) {
    refuse(p, state);
    return FM_TIMEOUT;
  }
  const int code = fm_seat_acquire(seat, fm_object_section(o), end_seat(number, FM_SERVER), e);
  if (code != FM_OK) return code == FM_IN_USE ? FM_TIMEOUT : code;
  FM_TEST_HOOK("accepting");
  if (atomic_compare_exchange_strong(&p->state, &state, state - WAITING + ACCEPTED)) return FM_OK;
  fm_seat_release(seat);
  return FM_TIMEOUT;
}

int fm_pipe_claim_waiting(const fm_object *o, fm_seat *seat, fm_place *out, fm_error *e)
{
  const uint32_t now = words_of(o)->ticket;
  uint32_t age = UINT32_MAX, number, state;
  for (uint32_t tries = 0; tries < o->header.sizes[FM_PIPE_PLACES]; tries++) {
    if (!find_waiting(o, now, &age, &number, &state)) break;
    const int code = claim(o, seat, number, state, e);
    if (code == FM_OK) *out = (fm_place){.number = number, .ticket = state - WAITING};
    if (code != FM_TIMEOUT) return code;
  }
  return FM_TIMEOUT;
}

bool fm_pipe_has_waiting(const fm_object *o)
{
  const uint32_t now = words_of(o)->ticket;
  uint32_t age = UINT32_MAX, number, state;
  for (uint32_t tries = 0; tries < o->header.sizes[FM_PIPE_PLACES]; tries++) {
    if (!find_waiting(o, now, &age, &number, &state)) break;
    if (place_of(o, number)->listener == words_of(o)->generation &&
        !fm_seat_is_taken(fm_object_section(o), end_seat(number, FM_SERVER))) return true;
  }
  return false;
}

void fm_pipe_requeue(const fm_object *o, fm_place place)
{
  place_of(o, place.number)->state = place.ticket + WAITING;
}

/* {-- The ends ---------------------------------------------------------------------------------- */

bool fm_pipe_has_listener(const fm_object *o)
{
  return words_of(o)->listening == 1 && fm_seat_is_taken(fm_object_section(o), FM_PIPE_LISTENER_SEAT);
}

/* Acquires the client's seat of a free place. If `reclaim` is true, it acquires that of a place with two dead
** ends instead. FM_IN_USE for other places. */
static int claim_place(const fm_object *o, fm_seat *seat, uint32_t number, bool reclaim, fm_error *e)
{
  const fm_section *section = fm_object_section(o);
  const uint32_t state = place_of(o, number)->state % TICKET;
  if (state != (reclaim ? ACCEPTED : FREE)) return FM_IN_USE;
  const int code = fm_seat_acquire(seat, section, end_seat(number, FM_CLIENT), e);
  if (code != FM_OK) return code;
  /* Another client may have used the place after its state was read and before the seat was acquired. */
  if (place_of(o, number)->state % TICKET == state && !fm_seat_is_taken(section, end_seat(number, FM_SERVER)))
    return FM_OK;
  fm_seat_release(seat);
  return FM_IN_USE;
}

int fm_pipe_claim_free(const fm_object *o, fm_seat *seat, uint32_t *number, fm_error *e)
{
  const uint32_t places = o->header.sizes[FM_PIPE_PLACES];
  for (int reclaim = 0; reclaim < 2; reclaim++)
    for (*number = 0; *number < places; ++*number) {
      const int code = claim_place(o, seat, *number, reclaim, e);
      if (code != FM_IN_USE) return code;
    }
  return fm_fail(e, FM_FULL, "all of its %u connections are in use", (unsigned)places);
}

fm_place fm_pipe_queue(const fm_object *o, uint32_t number)
{
  pipe_words *w = words_of(o);
  const fm_place place = {.number = number, .ticket = atomic_fetch_add(&w->ticket, 1) * TICKET};
  atomic_store(&place_of(o, number)->listener, w->generation);
  place_of(o, number)->state = place.ticket + WAITING;
  return place;
}

bool fm_pipe_is_waiting(const fm_object *o, fm_place place)
{
  const place_words *p = place_of(o, place.number);
  return p->state == place.ticket + WAITING && p->listener == words_of(o)->generation &&
         fm_pipe_has_listener(o);
}

bool fm_pipe_end_lives(const fm_object *o, fm_place place, fm_end end)
{
  return fm_seat_is_taken(fm_object_section(o), end_seat(place.number, end));
}

void fm_pipe_free(const fm_object *o, fm_place place)
{
  uint32_t accepted = place.ticket + ACCEPTED;
  atomic_compare_exchange_strong(&place_of(o, place.number)->state, &accepted, FREE);
}
