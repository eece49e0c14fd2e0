/* Dictionaries: processes that read and write one section, which a hostile process damages. */
#include "seam.h"

#include "../../src/channel/store.h"

enum {
  MOST = 3,
  ALWAYS = CODE(FM_OK) | CODE(FM_TRUNCATED) | CODE(FM_CORRUPT) | CODE(FM_NO_MEMORY),
  READING = ALWAYS | CODE(FM_NOT_FOUND) | CODE(FM_IN_USE),
  WRITING = ALWAYS | CODE(FM_IN_USE) | CODE(FM_DENIED)
};

static fm_dict *held[MOST];
static fm_options options;

static uint32_t choose_capacity(void)
{
  const uint8_t choice = fz_byte();
  return choice < 250 ? choice * 40u : fz_word();
}

static void open_one(uint8_t how)
{
  enum { OPENING = SEAM_CODES | CODE(FM_OK) | CODE(FM_CORRUPT) };
  fm_error e = NO_ERROR;
  fm_dict **place = &held[fz_byte() % MOST];
  bool created;
  if (*place) return;
  const uint32_t capacity = choose_capacity();
  int code;
  if (how == 0) code = fm_dict_open(place, "it", &e);
  else code = fm_dict_create_or_open(place, &created, "it", capacity, fz_byte() & 1, &options, &e);
  EXPECT(code, &e, OPENING | (how == 0 ? CODE(FM_NOT_FOUND) : CODE(FM_TOO_LARGE) | CODE(FM_TOO_SMALL)));
  CHECK((*place != NULL) == (code == FM_OK)); /* a failed call makes no object */
}

/* Sets *length to the length of the key, from 0 to 256: both ends are too short and too long. */
static const void *choose_key(size_t *length)
{
  static unsigned char key[FM_DICT_KEY_MAX + 1];
  const uint8_t which = fz_byte();
  *length = which < 250 ? 1 + which % 6 * 7 : which == 250 ? 0 : 251u + which - 250u;
  memset(key, 'a' + which % 6, sizeof key);
  return key;
}

static unsigned with_key(size_t length)
{
  return length < 1 || length > FM_DICT_KEY_MAX ? CODE(FM_INVALID) : 0;
}

static fm_value choose_value(void)
{
  const uint8_t type = fz_byte() % 4;
  fm_value v = {.type = (fm_value_type)type, .integer = fz_byte(), .number = fz_byte() / 2.0,
                .boolean = true};
  if (type == FM_STRING) {
    v.length = fz_below(3000);
    v.data = fz_data(v.length);
  }
  return v;
}

/* Copies the whole value, so that the sanitizers check all of its bytes. */
static void check_value(const fm_value *v)
{
  CHECK((unsigned)v->type <= FM_BOOLEAN);
  if (v->type == FM_STRING) memcpy(fz_room(v->length), v->data, v->length);
}

static void get(fm_dict *d, bool waits)
{
  fm_error e = NO_ERROR;
  fm_value v;
  size_t length;
  uint64_t version = UINT64_MAX;
  const void *key = choose_key(&length);
  const uint64_t than = waits ? fz_word() : 0;
  const int code = waits ? fm_dict_wait(d, key, length, than, seam_timeout(), &v, &version, &e)
                         : fm_dict_get(d, key, length, &v, &version, &e);
  EXPECT(code, &e, READING | with_key(length) | (waits ? CODE(FM_TIMEOUT) : 0));
  if (code == FM_OK) check_value(&v);
  if (code == FM_OK) CHECK(version != 0 && (!waits || version != than));
  else CHECK(version == (code == FM_NOT_FOUND ? 0 : UINT64_MAX));
}

static void set(fm_dict *d)
{
  fm_error e = NO_ERROR;
  size_t length;
  uint64_t version = 0;
  const void *key = choose_key(&length);
  const fm_value v = choose_value();
  const fm_dict_mode mode = (fm_dict_mode)(fz_byte() % 3);
  const double ttl = fz_byte() & 3 ? FM_FOREVER : fz_byte() / 1000.0;
  const int code = fm_dict_set(d, key, length, &v, mode, ttl, &version, &e);
  EXPECT(code, &e, WRITING | with_key(length) | CODE(FM_FULL) | CODE(FM_TOO_LARGE)
                     | (ttl > 0 ? 0 : CODE(FM_INVALID)) | (mode == FM_DICT_ADD ? CODE(FM_EXISTS) : 0)
                     | (mode == FM_DICT_REPLACE ? CODE(FM_NOT_FOUND) : 0));
  CHECK((version != 0) == (code == FM_OK));
}

static void compare_set(fm_dict *d)
{
  fm_error e = NO_ERROR;
  size_t length;
  bool done = false;
  uint64_t version = 0;
  const void *key = choose_key(&length);
  const uint64_t expected = fz_byte();
  const fm_value v = choose_value();
  fm_value found = {.type = FM_NONE};
  const int code = fm_dict_compare_set(d, key, length, expected, &v, &done, &found, &version, &e);
  EXPECT(code, &e, WRITING | with_key(length) | CODE(FM_FULL) | CODE(FM_TOO_LARGE));
  if (code == FM_OK && !done && found.type != FM_NONE) check_value(&found);
}

static void increment(fm_dict *d)
{
  fm_error e = NO_ERROR;
  size_t length;
  bool is_number = true;
  const void *key = choose_key(&length);
  const fm_value n = {.type = FM_INTEGER, .integer = fz_byte()}, init = {.type = FM_FLOAT, .number = 1.5};
  const bool has_init = fz_byte() & 1;
  fm_value sum = {.type = FM_NONE};
  const int code = fm_dict_increment(d, key, length, &n, has_init ? &init : NULL, &sum, &is_number, &e);
  EXPECT(code, &e, WRITING | CODE(FM_INVALID) | CODE(FM_FULL) | CODE(FM_TOO_LARGE) | CODE(FM_NOT_FOUND));
  CHECK((sum.type == FM_INTEGER || sum.type == FM_FLOAT) == (code == FM_OK));
  CHECK(code != FM_INVALID || !is_number || with_key(length));
}

static void iterate(fm_dict *d)
{
  fm_error e = NO_ERROR;
  fm_dict_cursor *c;
  int code = FM_OK;
  if (fm_dict_cursor_open(&c, d, &e) != FM_OK) return;
  for (int i = 0; i < 300 && code == FM_OK; i++) {
    const void *key;
    size_t length;
    uint64_t version;
    fm_value v;
    code = EXPECT(fm_dict_cursor_next(c, &key, &length, &v, &version, &e), &e, READING);
    if (code != FM_OK) break;
    CHECK(length >= 1 && length <= FM_DICT_KEY_MAX && version != 0);
    memcpy(fz_room(length), key, length);
    check_value(&v);
  }
  fm_dict_cursor_close(c);
}

static void change_other(fm_dict *d, uint8_t how)
{
  fm_error e = NO_ERROR;
  size_t length;
  bool existed;
  fm_dict_info i;
  if (how == 0) {
    const void *key = choose_key(&length);
    EXPECT(fm_dict_delete(d, key, length, &existed, &e), &e, WRITING | with_key(length));
  } else if (how == 1) {
    EXPECT(fm_dict_clear(d, &e), &e, WRITING);
  } else if (EXPECT(fm_dict_get_info(d, &i, &e), &e, WRITING) == FM_OK) {
    CHECK(i.used <= i.capacity && i.count * FM_STORE_BLOCK <= i.used);
  }
}

static void close_one(fm_dict **d)
{
  fm_dict_close(*d);
  *d = NULL;
}

static void plant(void)
{
  const uint32_t blocks = fz_byte() & 15 ? fz_below(200) : fz_word();
  const uint64_t size = 256 + fm_store_size(blocks);
  seam_plant(FM_OBJECT_DICT, 2, (uint32_t[4]){blocks, 7, fz_byte() & 1},
             fz_byte() & 3 && size < 1 << 20 ? (size_t)size : fz_below(1 << 20));
}

static void make_call(void)
{
  const uint8_t call = fz_byte() % 24;
  fm_dict **d = &held[call % MOST];
  fz_call();
  fz_interfere();
  if (call < 3) open_one(call);
  else if (call == 3) plant();
  else if (call == 4) seam_fork();
  else if (!*d) return;
  else if (call < 10) set(*d);
  else if (call < 13) get(*d, false);
  else if (call == 13) get(*d, true);
  else if (call < 16) compare_set(*d);
  else if (call < 18) increment(*d);
  else if (call < 20) iterate(*d);
  else if (call < 23) change_other(*d, call - 20);
  else close_one(d);
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
