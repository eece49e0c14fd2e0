/* A program in C that passes option structures of all sizes, as programs do that were compiled with another
** version of the header. Each line of its output is a case and its result: a word, and behind it what the
** case shows or the message. */
#include <stdio.h>
#include <string.h>

#include "../../include/filemap.h"

static fm_error e;

static void print(const char *which, int code, const char *shown)
{
  printf("%s: %s %s\n", which, fm_word(code), code == FM_OK ? shown : e.detail);
}

/* The first `size` bytes hold what o holds, and every other byte is one that no program means. */
static fm_options cut(fm_options o, size_t size)
{
  o.struct_size = size;
  memset((char *)&o + size, 0x5a, sizeof o - size);
  return o;
}

static fm_sync_options cut_sync(fm_sync_options o, size_t size)
{
  o.struct_size = size;
  memset((char *)&o + size, 0x5a, sizeof o - size);
  return o;
}

static void make_map(const char *which, const fm_options *o)
{
  fm_map *m = NULL;
  const int code = fm_create(&m, NULL, 100, o, &e);
  print(which, code, m ? fm_access_word(fm_map_access(m)) : "");
  fm_map_close(m);
}

static void use_options(void)
{
  fm_options o = fm_default_options();
  make_map("NULL", NULL);
  make_map("all fields", &o);
  o.access = FM_READ | FM_COPY;
  o = cut(o, offsetof(fm_options, mode));
  make_map("two fields", &o);
  o = cut(o, sizeof o.struct_size);
  make_map("one field", &o);
  o.struct_size = 0;
  make_map("struct_size 0", &o);
  o.struct_size = sizeof o + 1;
  make_map("a longer structure", &o);
}

/* Opens the semaphore again and again: its max is one of the fields. */
static void make_semaphore(const char *which, const char *name, const fm_sync_options *o)
{
  fm_sync *s = NULL;
  bool created = false, abandoned;
  char count[20] = "";
  int code = fm_sync_open(&s, &created, FM_SEMAPHORE, name, o, &e);
  if (code == FM_OK) {
    uint32_t most = 0;
    while (most < 10 && fm_sync_post(s, 1, &e) == FM_OK) most++;
    snprintf(count, sizeof count, "counts to %u", (unsigned)most);
    while (fm_sync_wait(s, 0, &abandoned, NULL) == FM_OK) {}
  }
  print(which, code, count);
  fm_sync_close(s);
}

static void use_sync_options(const char *name)
{
  fm_sync_options o = fm_default_sync_options();
  make_semaphore("semaphore, NULL", name, NULL);
  o.max = 3;
  make_semaphore("semaphore, all fields", name, &o);
  o = cut_sync(o, offsetof(fm_sync_options, sddl));
  make_semaphore("semaphore, four fields", name, &o);
  o = cut_sync(o, offsetof(fm_sync_options, max));
  make_semaphore("semaphore, three fields", name, &o);
  o.struct_size = 0;
  make_semaphore("semaphore, struct_size 0", name, &o);
  o.struct_size = sizeof o + 1;
  make_semaphore("semaphore, a longer structure", name, &o);
}

/* Calls that take options besides the two above. */
static void use_elsewhere(const char *name)
{
  fm_options none = fm_default_options();
  fm_map *m;
  fm_state *s;
  fm_mailslot *slot;
  fm_listener *l;
  bool created;
  none.struct_size = 0;
  print("fm_open", fm_open(&m, name, &none, &e), "");
  print("fm_create_or_open", fm_create_or_open(&m, &created, name, 1, &none, &e), "");
  print("fm_file", fm_file(&m, name, &none, &e), "");
  print("fm_state_create", fm_state_create(&s, name, 1, &none, &e), "");
  print("fm_state_create_or_open", fm_state_create_or_open(&s, &created, name, 1, &none, &e), "");
  print("fm_mailslot_create", fm_mailslot_create(&slot, name, 0, 0, &none, &e), "");
  print("fm_pipe_listen", fm_pipe_listen(&l, name, 0, false, &none, &e), "");
}

/* What C can pass, and Lua cannot. */
static void use_wrong_numbers(const char *name)
{
  fm_map *m = NULL;
  fm_sync *sync = NULL;
  fm_dict *d = NULL;
  size_t index = 7;
  bool created, done;
  const fm_waitable unknown = {.kind = (fm_waitable_kind)9, .object = NULL};
  const fm_value text = {.type = FM_STRING, .length = 0}, one = {.type = FM_INTEGER, .integer = 1};
  fm_sync_options counts = fm_default_sync_options();
  fm_options huge = fm_default_options();
  fm_value sum;
  print("huge map", fm_create(&m, NULL, UINT64_MAX, &huge, &e), "");
  counts.max = 0;
  print("semaphore up to 0", fm_sync_open(&sync, &created, FM_SEMAPHORE, name, &counts, &e), "");
  counts.max = (uint32_t)FM_COUNT_MAX + 1;
  print("semaphore up to 2^31", fm_sync_open(&sync, &created, FM_SEMAPHORE, name, &counts, &e), "");
  counts.max = 2;
  counts.initial = 3;
  print("semaphore from 3", fm_sync_open(&sync, &created, FM_SEMAPHORE, name, &counts, &e), "");
  counts.initial = 0;
  if (fm_sync_open(&sync, &created, FM_SEMAPHORE, name, &counts, &e) != FM_OK) return;
  print("post of 0", fm_sync_post(sync, 0, &e), "");
  print("post of 2^31", fm_sync_post(sync, (uint32_t)FM_COUNT_MAX + 1, &e), "");
  fm_sync_close(sync);
  if (fm_sync_open(&sync, &created, FM_EVENT, name, NULL, &e) != FM_OK) return;
  print("post of 2 to an event", fm_sync_post(sync, 2, &e), "");
  fm_sync_close(sync);
  print("waitable", fm_wait_any(&unknown, 1, 0, &index, &created, &e), "");
  printf("waitable's index: %u\n", (unsigned)index);
  if (fm_dict_create_or_open(&d, &created, name, 0, false, NULL, &e) != FM_OK) return;
  print("increment by text", fm_dict_increment(d, "key", 3, &text, NULL, &sum, &done, &e), "");
  print("increment from text", fm_dict_increment(d, "key", 3, &one, &text, &sum, &done, &e), "");
  fm_dict_close(d);
}

/* A mode that would give the section's file another meaning, or hide from its own user whether it is held. */
static void use_wrong_modes(const char *name)
{
  static const unsigned modes[] = {04600, 02600, 01600, 0, 0200, 010600, 0777, 0400};
  fm_options o = fm_default_options();
  fm_sync_options so = fm_default_sync_options();
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    char which[40];
    fm_map *m = NULL;
    fm_sync *s = NULL;
    bool created;
    o.mode = so.mode = modes[i];
    snprintf(which, sizeof which, "map of mode %o", modes[i]);
    print(which, fm_create(&m, name, 10, &o, &e), "");
    fm_map_close(m);
    snprintf(which, sizeof which, "mutex of mode %o", modes[i]);
    print(which, fm_sync_open(&s, &created, FM_MUTEX, name, &so, &e), "");
    fm_sync_close(s);
  }
}

static void use_wrong_arguments(const char *name)
{
  fm_state *s;
  fm_mailslot *slot;
  fm_listener *l;
  fm_sync *sync;
  bool created;
  print("state without a name", fm_state_create(&s, NULL, 1, NULL, &e), "");
  print("mailslot without a name", fm_mailslot_create(&slot, NULL, 0, 0, NULL, &e), "");
  print("pipe without a name", fm_pipe_listen(&l, NULL, 0, false, NULL, &e), "");
  print("unknown kind", fm_sync_open(&sync, &created, (fm_sync_kind)3, name, NULL, &e), "");
  print("far kind", fm_sync_open(&sync, &created, (fm_sync_kind)100000000, name, NULL, &e), "");
}

static void use_wrong_hints(void)
{
  fm_map *m;
  fm_view v;
  if (fm_create(&m, NULL, 100, NULL, &e) != FM_OK) return;
  if (fm_view_open(&v, m, 0, 100, FM_RW, &e) == FM_OK) {
    print("last hint", fm_view_advise(&v, FM_DONTNEED, 0, 100, &e), "");
    print("unknown hint", fm_view_advise(&v, (fm_hint)5, 0, 100, &e), "");
    print("far hint", fm_view_advise(&v, (fm_hint)100000000, 0, 100, &e), "");
    fm_view_close(&v);
  }
  fm_map_close(m);
}

/* Ranges whose end is past 2^64. */
static void use_far_ranges(void)
{
  const uint64_t far = UINT64_MAX - 49;
  fm_map *m;
  fm_view v, part;
  if (fm_create(&m, NULL, 100, NULL, &e) != FM_OK) return;
  if (fm_view_open(&v, m, 0, 100, FM_RW, &e) == FM_OK) {
    print("view of a far range", fm_view_open(&part, m, far, 100, FM_RW, &e), "");
    print("slice of a far range", fm_view_sub(&part, &v, far, 100, FM_RW, &e), "");
    print("check of a far range", fm_view_check(&v, false, far, 100, &e), "");
    print("flush of a far range", fm_view_flush(&v, far, 100, false, &e), "");
    fm_view_close(&v);
  }
  fm_map_close(m);
}

/* A message and a value of 0 bytes, and parts of a stream of 0 bytes, that have no address. The sanitizers
** end the program if the library uses it. */
static void send_no_bytes(fm_conn *client, fm_conn *server)
{
  const void *data;
  size_t length = 1;
  print("send no bytes", fm_conn_send(client, NULL, 0, 0, &e), "");
  const int code = fm_conn_receive(server, 0, &data, &length, &e);
  print("receive no bytes", code, length == 0 ? "empty" : "");
}

static void stream_no_bytes(fm_conn *client, fm_conn *server)
{
  const void *data;
  size_t none = 0, length = 3;
  print("write no bytes", fm_conn_write(client, NULL, &none, 0, &e), "");
  fm_conn_write(client, "abc", &length, 0, &e);
  int code = fm_conn_read(server, 0, NULL, &none, &e);
  print("read no bytes of the ring", code, none == 0 ? "empty" : "");
  fm_conn_read_count(server, 0, 0, &data, &length, &e); /* it reads ahead */
  code = fm_conn_read(server, 0, NULL, &none, &e);
  print("read no bytes ahead", code, none == 0 ? "empty" : "");
}

static void use_no_bytes(const char *name)
{
  fm_state *s = NULL;
  fm_listener *l = NULL;
  fm_conn *client = NULL, *server = NULL;
  const void *data = NULL;
  size_t length = 1;
  uint64_t version;
  fm_state_create(&s, name, 100, NULL, &e);
  print("publish no bytes", fm_state_publish(s, NULL, 0, &e), "");
  int code = fm_state_read(s, 0, &data, &length, &version, &e);
  print("read no bytes", code, length == 0 && data ? "empty" : "");
  fm_state_close(s);
  for (int stream = 0; stream < 2; stream++) {
    fm_pipe_listen(&l, name, 0, stream, NULL, &e);
    fm_pipe_connect(&client, name, 0, &e);
    fm_pipe_accept(l, 0, &server, &e);
    (stream ? stream_no_bytes : send_no_bytes)(client, server);
    fm_conn_close(client);
    fm_conn_close(server);
    fm_listener_close(l);
  }
}

/* {-- Atomic numbers and wide text -------------------------------------------------------------- */

static void change_numbers(void)
{
  uint64_t wide = 10, expected = 10;
  uint32_t narrow = 0xF0;
  static const struct { fm_atomic_operation operation; uint32_t value; } changes[] = {
    {FM_ADD, 15}, {FM_AND, 0x0F}, {FM_OR, 0x30}, {FM_EXCHANGE, 7}, {FM_STORE, 8}, {FM_LOAD, 9},
  };
  printf("changes:");
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
    printf(" %u", (unsigned)fm_atomic_32(changes[i].operation, &narrow, changes[i].value));
  printf("\n");
  const bool first = fm_compare_exchange_64(&wide, &expected, UINT64_MAX);
  const bool second = fm_compare_exchange_64(&wide, &expected, 1);
  printf("compares: %d %d %d\n", first, second, expected == UINT64_MAX && wide == UINT64_MAX);
  const bool was_greatest = fm_atomic_64(FM_ADD, &wide, 2) == UINT64_MAX;
  printf("wraps: %d %u\n", was_greatest, (unsigned)fm_atomic_64(FM_LOAD, &wide, 0));
}

static void convert_text(size_t unit, bool swapped)
{
  static const char text[] = "J\xC3\xB6 \xF0\x9F\x8C\x8D\xFF";
  char units[64], back[64];
  memset(units, 0x5a, sizeof units);
  /* From an odd address. */
  const size_t needed = fm_utf8_to_wide(units + 1, 1, text, sizeof text - 1, unit, swapped);
  const bool untouched = units[1] == 0x5a;
  fm_utf8_to_wide(units + 1, needed + 1, text, sizeof text - 1, unit, swapped);
  const size_t length = fm_wide_length(units + 1, 10, unit);
  const size_t size = fm_wide_to_utf8(back, units + 1, 10, unit, swapped);
  printf("text of %d%s: %d units, %d, %d, %.*s\n", (int)unit, swapped ? " swapped" : "", (int)needed,
         untouched, (int)length, (int)size, back);
}

int main(int argc, char **argv)
{
  if (argc != 2) return 2;
  printf("version: %s\n", fm_version() == FILEMAP_VERSION ? FILEMAP_VERSION_STRING : "of another library");
  use_options();
  use_sync_options(argv[1]);
  use_elsewhere(argv[1]);
  use_wrong_arguments(argv[1]);
  use_wrong_modes(argv[1]);
  use_wrong_numbers(argv[1]);
  use_wrong_hints();
  use_far_ranges();
  use_no_bytes(argv[1]);
  change_numbers();
  for (size_t unit = 2; unit <= 4; unit += 2) {
    convert_text(unit, false);
    convert_text(unit, true);
  }
  return 0;
}
