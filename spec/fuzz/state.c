/* States: writers and readers of one section, which a hostile process damages. */
#include "seam.h"

enum { MOST = 3 };

static fm_state *held[MOST];
static fm_options options;

static uint32_t capacity_of(uint8_t choice)
{
  return choice < 200 ? choice : fz_word();
}

/* The place for a new object; NULL if the place is taken. */
static fm_state **new_place(void)
{
  fm_state **place = &held[fz_byte() % MOST];
  return *place ? NULL : place;
}

static void open_one(uint8_t how)
{
  enum {
    ALWAYS = SEAM_CODES | CODE(FM_OK) | CODE(FM_CORRUPT),
    MAKING = CODE(FM_INVALID) | CODE(FM_TOO_LARGE)
  };
  fm_error e = NO_ERROR;
  fm_state **place = new_place();
  bool created;
  if (!place) return;
  const uint32_t capacity = capacity_of(fz_byte());
  const int code = how == 0   ? fm_state_create(place, "it", capacity, &options, &e)
                   : how == 1 ? fm_state_open(place, "it", &e)
                              : fm_state_create_or_open(place, &created, "it", capacity, &options, &e);
  EXPECT(code, &e, ALWAYS | (how == 0   ? MAKING | CODE(FM_EXISTS)
                             : how == 1 ? CODE(FM_NOT_FOUND)
                                        : MAKING | CODE(FM_IN_USE) | CODE(FM_TOO_SMALL)));
  CHECK((*place != NULL) == (code == FM_OK)); /* a failed call makes no object */
}

static void publish(fm_state *s)
{
  fm_error e = NO_ERROR;
  const size_t length = fz_below((uint32_t)(fm_state_capacity(s) < 5000 ? fm_state_capacity(s) : 5000) + 2);
  EXPECT(fm_state_publish(s, fz_data(length), length, &e), &e,
         CODE(FM_OK) | CODE(FM_TRUNCATED) | CODE(FM_DENIED) | CODE(FM_TOO_LARGE));
}

/* Copies the whole value, so that the sanitizers check all of its bytes. */
static void take(fm_state *s, bool newer)
{
  enum { ALWAYS = CODE(FM_OK) | CODE(FM_TRUNCATED) | CODE(FM_CORRUPT) | CODE(FM_TIMEOUT) };
  fm_error e = NO_ERROR;
  const void *data = s;
  size_t length = SIZE_MAX;
  uint64_t version = UINT64_MAX;
  const double timeout = seam_timeout();
  const uint64_t than = newer ? fz_word() : 0;
  const int code = EXPECT(newer ? fm_state_wait(s, than, timeout, &data, &length, &version, &e)
                                : fm_state_read(s, timeout, &data, &length, &version, &e), &e, ALWAYS);
  if (code != FM_OK) {
    CHECK(data == s && length == SIZE_MAX && version == UINT64_MAX);
    return;
  }
  CHECK(newer ? data && version > than : (data != NULL) == (version != 0));
  CHECK(length <= fm_state_capacity(s));
  if (data) memcpy(fz_room(length), data, length);
}

static void close_one(fm_state **s)
{
  fm_state_close(*s);
  *s = NULL;
}

static void plant(void)
{
  const uint32_t capacity = capacity_of(fz_byte());
  const size_t size = 128 + 64 + 4 * ((16 + (size_t)capacity + 63) / 64 * 64);
  seam_plant(FM_OBJECT_STATE, 1, (uint32_t[4]){capacity}, fz_byte() & 3 ? size : fz_word());
}

static void make_call(void)
{
  const uint8_t call = fz_byte() % 16;
  fm_state **s = &held[call % MOST];
  fz_call();
  fz_interfere();
  if (call < 3) open_one(call);
  else if (call == 3) plant();
  else if (call == 4) seam_fork();
  else if (!*s) return;
  else if (call < 8) publish(*s);
  else if (call < 11) take(*s, false);
  else if (call < 14) take(*s, true);
  else close_one(s);
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
