/* Pipes: listeners and connections of one section, which a hostile process damages. */
#include "../../src/channel/pipe_table.h"
#include "seam.h"

enum { MOST = 3 };

static fm_listener *listeners[2];
static fm_conn *conns[MOST];
static fm_options options;

/* Few values, so that two listeners often have the same capacity. */
static uint32_t capacity_of(uint8_t choice)
{
  static const uint32_t capacities[] = {40, 40, 200, 5000};
  return choice < 200 ? capacities[choice % 4] : fz_word();
}

static void open_listener(void)
{
  enum {
    MAKING =
        SEAM_CODES | CODE(FM_OK) | CODE(FM_CORRUPT) | CODE(FM_TOO_LARGE) | CODE(FM_EXISTS) | CODE(FM_IN_USE)
  };
  fm_error e = NO_ERROR;
  fm_listener **place = &listeners[fz_byte() % 2];
  if (*place) return;
  const uint32_t capacity = capacity_of(fz_byte());
  const int code = EXPECT(fm_pipe_listen(place, "it", capacity, fz_byte() & 1, &options, &e), &e, MAKING);
  CHECK((*place != NULL) == (code == FM_OK)); /* a failed call makes no object */
}

static void connect_or_accept(bool connecting)
{
  enum { ALWAYS = SEAM_CODES | CODE(FM_OK) | CODE(FM_CORRUPT) };
  fm_error e = NO_ERROR;
  fm_conn **place = &conns[fz_byte() % MOST];
  fm_listener *l = listeners[fz_byte() % 2];
  if (*place || (!connecting && !l)) return;
  const double timeout = seam_timeout();
  const int code =
      connecting ? fm_pipe_connect(place, "it", timeout, &e) : fm_pipe_accept(l, timeout, place, &e);
  EXPECT(code, &e,
         ALWAYS | (connecting ? CODE(FM_NOT_FOUND) | CODE(FM_FULL) : CODE(FM_TIMEOUT) | CODE(FM_DENIED)));
  CHECK((*place != NULL) == (code == FM_OK));
}

enum {
  USING = SEAM_CODES | CODE(FM_OK) | CODE(FM_CORRUPT) | CODE(FM_DENIED) | CODE(FM_CLOSED) | CODE(FM_TIMEOUT)
};

/* Sends on a pipe of messages and writes on a stream; sometimes the wrong way round. */
static void send_or_write(fm_conn *c)
{
  fm_error e = NO_ERROR;
  const size_t length = fz_below(6000);
  const bool stream = fm_conn_is_stream(c) ^ (fz_byte() == 255);
  const double timeout = seam_timeout();
  size_t written = length;
  if (stream) EXPECT(fm_conn_write(c, fz_data(length), &written, timeout, &e), &e, USING | CODE(FM_INVALID));
  else
    EXPECT(fm_conn_send(c, fz_data(length), length, timeout, &e), &e,
           USING | CODE(FM_INVALID) | CODE(FM_TOO_LARGE));
}

static void receive_or_read(fm_conn *c)
{
  fm_error e = NO_ERROR;
  const void *data = c;
  const size_t most = 1 + fz_below(6000);
  size_t length = most;
  const double timeout = seam_timeout();
  if (fm_conn_is_stream(c) ^ (fz_byte() == 255)) {
    const int code =
        EXPECT(fm_conn_read(c, timeout, fz_room(most), &length, &e), &e, USING | CODE(FM_INVALID));
    CHECK(code == FM_OK ? length >= 1 && length <= most : length == most);
    return;
  }
  const int code = EXPECT(fm_conn_receive(c, timeout, &data, &length, &e), &e, USING | CODE(FM_INVALID));
  if (code == FM_OK) memcpy(fz_room(length), data, length);
  else CHECK(data == c && length == most);
}

static void close_listener(fm_listener **l)
{
  fm_listener_close(*l);
  *l = NULL;
}

static void close_conn(fm_conn **c)
{
  fm_conn_close(*c);
  *c = NULL;
}

static void plant(void)
{
  const uint32_t places = 1 + fz_below(3), capacity = capacity_of(fz_byte()), how = fz_byte();
  const uint32_t ring = how < 200 ? 64u << how % 6 : fz_word() % 9999;
  fm_header h = {.sizes = {places, ring, capacity < 10000 ? ring * 3 / 4 - 8 : capacity, fz_byte() & 1}};
  const size_t size = (size_t)fm_pipe_conn_offset(&h, places);
  seam_plant(FM_OBJECT_PIPE, FM_PIPE_VERSION, h.sizes, fz_byte() & 3 ? size : fz_word());
}

static void make_call(void)
{
  const uint8_t call = fz_byte() % 16;
  fm_conn **c = &conns[call % MOST];
  fz_call();
  fz_interfere();
  if (call == 0) plant();
  else if (call == 1) open_listener();
  else if (call < 4) connect_or_accept(true);
  else if (call < 6) connect_or_accept(false);
  else if (call == 6) close_listener(&listeners[fz_byte() % 2]);
  else if (call == 7) seam_fork();
  else if (!*c) return;
  else if (call < 11) send_or_write(*c);
  else if (call < 14) receive_or_read(*c);
  else close_conn(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fz_begin(data, size);
  seam_begin();
  options = fm_default_options();
  while (fz_has_more()) make_call();
  for (int i = 0; i < 2; i++) close_listener(&listeners[i]);
  for (int i = 0; i < MOST; i++) close_conn(&conns[i]);
  seam_end();
  return 0;
}
