/* Sync objects in shared memory: mutexes, semaphores and events by one name, which a hostile process damages.
** */
#include "seam.h"

#include "../../src/sync/shared.h"

enum { MOST = 3 };

static fm_sync *held[MOST];
static fm_sync_kind kinds[MOST];

static void open_one(fm_sync_kind kind)
{
  enum { CODES = SEAM_CODES | CODE(FM_OK) | CODE(FM_CORRUPT) | CODE(FM_INVALID) | CODE(FM_FULL) };
  fm_error e = NO_ERROR;
  const int place = fz_byte() % MOST;
  fm_sync_options o = fm_default_sync_options();
  bool created;
  if (held[place]) return;
  o.max = fz_word();
  o.initial = fz_below(o.max);
  o.manual = fz_byte() & 1;
  o.set = fz_byte() & 1;
  o.existing = fz_byte() < 50;
  const int code = fm_sync_open(&held[place], &created, kind, "it", &o, &e);
  EXPECT(code, &e, CODES | (o.existing ? CODE(FM_NOT_FOUND) : CODE(FM_IN_USE)));
  CHECK((held[place] != NULL) == (code == FM_OK)); /* a failed call makes no object */
  kinds[place] = kind;
}

static void wait_for(fm_sync *s)
{
  enum { CODES = SEAM_CODES | CODE(FM_OK) | CODE(FM_TIMEOUT) | CODE(FM_FULL) };
  fm_error e = NO_ERROR;
  bool abandoned = false;
  EXPECT(fm_sync_wait(s, seam_timeout(), &abandoned, &e), &e, CODES);
}

static void post(fm_sync *s, fm_sync_kind kind)
{
  enum { CODES = CODE(FM_OK) | CODE(FM_TRUNCATED) };
  fm_error e = NO_ERROR;
  const uint32_t count = kind == FM_SEMAPHORE ? fz_word() : 1;
  EXPECT(fm_sync_post(s, count, &e), &e,
         CODES | (kind == FM_EVENT ? 0 : CODE(FM_INVALID)) | (kind == FM_SEMAPHORE ? CODE(FM_FULL) : 0));
}

static void reset(fm_sync *s, fm_sync_kind kind)
{
  fm_error e = NO_ERROR;
  EXPECT(fm_sync_reset(s, &e), &e,
         kind == FM_EVENT ? CODE(FM_OK) | CODE(FM_TRUNCATED) : (unsigned)CODE(FM_INVALID));
}

static void close_one(fm_sync **s)
{
  fm_sync_close(*s);
  *s = NULL;
}

/* The hostile process creates a sync object, or a plain section by its name. */
static void plant(void)
{
  static const fm_object_kind planted[] = {FM_OBJECT_MUTEX, FM_OBJECT_SEMAPHORE, FM_OBJECT_EVENT,
                                           FM_OBJECT_STATE};
  const fm_object_kind kind = planted[fz_byte() % 4];
  const uint32_t max = fz_word(), manual = fz_byte() & 3;
  seam_plant_sync(kind, 1, (uint32_t[4]){max, manual}, fz_byte() & 3 ? sizeof(fm_shared_words) : fz_word());
}

static void make_call(void)
{
  const uint8_t call = fz_byte() % 16, place = call % MOST;
  fz_call();
  fz_interfere();
  if (call < 3) open_one((fm_sync_kind)call);
  else if (call == 3) plant();
  else if (call == 4) seam_fork();
  else if (!held[place]) return;
  else if (call < 9) wait_for(held[place]);
  else if (call < 13) post(held[place], kinds[place]);
  else if (call < 14) reset(held[place], kinds[place]);
  else close_one(&held[place]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  fz_begin(data, size);
  seam_begin();
  while (fz_has_more()) make_call();
  for (int i = 0; i < MOST; i++) close_one(&held[i]);
  seam_end();
  return 0;
}
