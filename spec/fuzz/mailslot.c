/* Mailslots: a reader and writers of one section, which a hostile process damages. */
#include "seam.h"

enum { MOST = 3 };

static fm_mailslot *held[MOST];
static fm_options options;

static uint32_t capacity_of(uint8_t choice)
{
  return choice < 200 ? choice : fz_word();
}

static void open_one(bool to_read)
{
  enum { ALWAYS = SEAM_CODES | CODE(FM_OK) | CODE(FM_CORRUPT) };
  enum {
    MAKING = CODE(FM_INVALID) | CODE(FM_TOO_LARGE) | CODE(FM_EXISTS) | CODE(FM_TOO_SMALL) | CODE(FM_IN_USE)
  };
  fm_error e = NO_ERROR;
  fm_mailslot **place = &held[fz_byte() % MOST];
  if (*place) return;
  const uint32_t capacity = capacity_of(fz_byte()),
                 longest = fz_byte() & 1 ? fz_below(capacity + 1) : capacity;
  const int code = to_read ? fm_mailslot_create(place, "it", longest, capacity, &options, &e)
                           : fm_mailslot_open(place, "it", &e);
  EXPECT(code, &e, ALWAYS | (to_read ? MAKING : CODE(FM_NOT_FOUND)));
  CHECK((*place != NULL) == (code == FM_OK)); /* a failed call makes no object */
}

static void send(fm_mailslot *m)
{
  enum {
    CODES =
        SEAM_CODES | CODE(FM_OK) | CODE(FM_CORRUPT) | CODE(FM_DENIED) | CODE(FM_TOO_LARGE) | CODE(FM_CLOSED)
  };
  fm_error e = NO_ERROR;
  const size_t length = fz_below(600);
  const double timeout = seam_timeout();
  EXPECT(fm_mailslot_send(m, fz_data(length), length, timeout, &e), &e,
         CODES | CODE(FM_IN_USE) | (timeout > 0 ? CODE(FM_TIMEOUT) : CODE(FM_FULL)));
}

static void get_info(fm_mailslot *m)
{
  enum { CODES = CODE(FM_OK) | CODE(FM_CORRUPT) | CODE(FM_DENIED) | CODE(FM_TRUNCATED) };
  fm_error e = NO_ERROR;
  fm_mailslot_info info = {.max_message = UINT64_MAX};
  const int code = EXPECT(fm_mailslot_get_info(m, &info, &e), &e, CODES);
  CHECK((code == FM_OK) == (info.max_message != UINT64_MAX));
}

/* Copies the whole message, so that the sanitizers check all of its bytes. No message is longer than the
** limit. */
static void receive(fm_mailslot *m)
{
  enum { CODES = SEAM_CODES | CODE(FM_OK) | CODE(FM_CORRUPT) | CODE(FM_DENIED) | CODE(FM_TIMEOUT) };
  fm_error e = NO_ERROR;
  fm_mailslot_info info;
  const void *data = m;
  size_t length = SIZE_MAX;
  if (EXPECT(fm_mailslot_receive(m, seam_timeout(), &data, &length, &e), &e, CODES) != FM_OK) {
    CHECK(data == m && length == SIZE_MAX);
    return;
  }
  memcpy(fz_room(length), data, length);
  if (fm_mailslot_get_info(m, &info, NULL) == FM_OK) CHECK(length <= info.max_message);
}

static void close_one(fm_mailslot **m)
{
  fm_mailslot_close(*m);
  *m = NULL;
}

static void plant(void)
{
  const uint32_t how = fz_byte(), ring = how < 200 ? 64u << how % 6 : fz_word() % 9999,
                 longest = fz_byte() & 1 ? fz_word() : ring / 2;
  seam_plant(FM_OBJECT_MAILSLOT, 1, (uint32_t[4]){longest, ring},
             fz_byte() & 3 ? 384 + (size_t)ring : fz_word());
}

static void make_call(void)
{
  const uint8_t call = fz_byte() % 16;
  fm_mailslot **m = &held[call % MOST];
  fz_call();
  fz_interfere();
  if (call < 3) open_one(call == 0);
  else if (call == 3) plant();
  else if (call == 4) seam_fork();
  else if (!*m) return;
  else if (call < 9) send(*m);
  else if (call < 13) receive(*m);
  else if (call < 15) get_info(*m);
  else close_one(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fz_begin(data, size);
  seam_begin();
  options = fm_default_options();
  while (fz_has_more()) make_call();
  for (int i = 0; i < MOST; i++) close_one(&held[i]);
  seam_end();
  return 0;
}
