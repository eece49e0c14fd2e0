/* Waits by the C library. Usage: waits MODE NAME, where a script is the other process. It prints READY when
** the script may act, and the line of the first check that fails. Its modes are the functions below. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(_WIN32)
#include <windows.h>
#else
#include <poll.h>
#endif

#include "../../include/filemap.h"

static fm_error e;

static void check_at(int line, int holds)
{
  if (holds) return;
  printf("line %d: code %s, %s\n", line, fm_word(e.code), e.detail);
  exit(1);
}

#define CHECK(x) check_at(__LINE__, x)

static void say(const char *text)
{
  printf("%s\n", text);
  fflush(stdout);
}

/* Waits at most 10 s. */
static int is_ready(intptr_t handle, int milliseconds)
{
#if defined(_WIN32)
  return WaitForSingleObject((HANDLE)handle, (DWORD)milliseconds) == WAIT_OBJECT_0;
#else
  struct pollfd one = {(int)handle, POLLIN, 0};
  return poll(&one, 1, milliseconds) == 1 && one.revents == POLLIN;
#endif
}

/* The name of another object: NAME and a suffix. */
static const char *with(const char *name, const char *suffix)
{
  static char all[FM_NAME_SIZE];
  snprintf(all, sizeof all, "%s%s", name, suffix);
  return all;
}

/* The script stores a number at 0 and at 8, and waits at 16. */
static void wait_for_numbers(const char *name)
{
  fm_map *map;
  fm_view view;
  uint32_t small = 0;
  uint64_t large = 0;
  const fm_options o = fm_default_options();
  CHECK(fm_open(&map, name, &o, &e) == FM_OK);
  CHECK(fm_view_open(&view, map, 0, fm_map_size(map), FM_RW, &e) == FM_OK);
  CHECK(fm_view_wait_32(&view, 0, 0, 0.01, &small, &e) == FM_TIMEOUT && small == 0);
  CHECK(fm_view_wait_32(&view, 2, 0, 0, &small, &e) == FM_INVALID);
  CHECK(fm_view_wait_64(&view, 4, 0, 0, &large, &e) == FM_INVALID);
  CHECK(fm_view_wait_64(&view, fm_map_size(map), 0, 0, &large, &e) == FM_INVALID);
  CHECK(fm_view_wait_32(&view, 0, 0, -1, &small, &e) == FM_INVALID);
  CHECK(fm_view_wake(&view, 2, &e) == FM_INVALID);
  say("READY");
  CHECK(fm_view_wait_32(&view, 0, 0, 10, &small, &e) == FM_OK);
  CHECK(fm_view_wait_64(&view, 8, 0, 10, &large, &e) == FM_OK);
  *(uint64_t *)(void *)(view.data + 16) = small + large;
  CHECK(fm_view_wake(&view, 16, &e) == FM_OK);
  fm_view_close(&view);
  CHECK(fm_view_wait_32(&view, 0, 0, 0, &small, &e) == FM_CLOSED && fm_view_wake(&view, 0, &e) == FM_CLOSED);
  fm_map_close(map);
}

static const fm_waitable *of(fm_waitable_kind kind, void *object)
{
  static fm_waitable w;
  w = (fm_waitable){.kind = kind, .object = object};
  return &w;
}

/* The script sets the event NAME.event, and then sends to the mailslot NAME.slot. */
static void wait_for_any(const char *name)
{
  fm_mailslot *slot, *writer;
  fm_sync *event;
  bool created, abandoned = true;
  size_t index = 7, length;
  const void *data;
  CHECK(fm_mailslot_create(&slot, with(name, ".slot"), 0, 0, NULL, &e) == FM_OK);
  CHECK(fm_mailslot_open(&writer, with(name, ".slot"), &e) == FM_OK);
  CHECK(fm_sync_open(&event, &created, FM_EVENT, with(name, ".event"), NULL, &e) == FM_OK && created);
  const fm_waitable both[] = {
    {.kind = FM_WAIT_MAILSLOT, .object = slot},
    {.kind = FM_WAIT_SYNC, .object = event},
    {.kind = FM_WAIT_MAILSLOT, .object = writer},
  };
  CHECK(fm_wait_any(both, 0, 0, &index, &abandoned, &e) == FM_INVALID && index == 0);
  CHECK(fm_wait_any(both, 2, -1, &index, &abandoned, &e) == FM_INVALID && index == 2);
  CHECK(fm_wait_any(both, 3, 0, &index, &abandoned, &e) == FM_DENIED && index == 2);
  CHECK(fm_wait_any(both, 2, 0, &index, &abandoned, &e) == FM_TIMEOUT);
  CHECK(fm_wait_any(both, 2, 0.01, &index, &abandoned, &e) == FM_TIMEOUT);
  say("READY");
  CHECK(fm_wait_any(both, 2, 10, &index, &abandoned, &e) == FM_OK && index == 1 && !abandoned);
  CHECK(fm_sync_wait(event, 0, &abandoned, &e) == FM_TIMEOUT);
  say("acquired");
  CHECK(fm_wait_any(both, 2, 10, &index, &abandoned, &e) == FM_OK && index == 0);
  CHECK(fm_mailslot_receive(slot, 0, &data, &length, &e) == FM_OK && length == 4 &&
        memcmp(data, "mail", 4) == 0);
  fm_sync_close(event);
  fm_mailslot_close(writer);
  fm_mailslot_close(slot);
}

/* The script sends to the mailslot NAME.slot, sets the event NAME.event, and resets it. */
static void poll_handles(const char *name)
{
  fm_mailslot *slot, *writer;
  fm_sync *event, *mutex;
  fm_sync_options o = fm_default_sync_options();
  bool created;
  size_t length;
  const void *data;
  intptr_t handle = -7, again, other;
  o.manual = true;
  CHECK(fm_mailslot_create(&slot, with(name, ".slot"), 0, 0, NULL, &e) == FM_OK);
  CHECK(fm_mailslot_open(&writer, with(name, ".slot"), &e) == FM_OK);
  CHECK(fm_sync_open(&event, &created, FM_EVENT, with(name, ".event"), &o, &e) == FM_OK);
  CHECK(fm_sync_open(&mutex, &created, FM_MUTEX, with(name, ".mutex"), NULL, &e) == FM_OK);
  CHECK(fm_pollable(of(FM_WAIT_SYNC, mutex), &handle, &e) == FM_INVALID && handle == -7);
  CHECK(fm_pollable(of(FM_WAIT_MAILSLOT, writer), &handle, &e) == FM_DENIED && handle == -7);
  CHECK(fm_pollable(of((fm_waitable_kind)99, slot), &handle, NULL) == FM_INVALID && handle == -7);
  CHECK(fm_pollable(of(FM_WAIT_MAILSLOT, slot), &handle, &e) == FM_OK);
  CHECK(fm_pollable(of(FM_WAIT_MAILSLOT, slot), &again, &e) == FM_OK && again == handle);
  CHECK(fm_pollable(of(FM_WAIT_SYNC, event), &other, &e) == FM_OK && other != handle);
  CHECK(!is_ready(handle, 0) && !is_ready(other, 0));
  say("READY");
  CHECK(is_ready(handle, 10000) && !is_ready(other, 0));
  CHECK(fm_mailslot_receive(slot, 0, &data, &length, &e) == FM_OK && !is_ready(handle, 0));
  say("received");
  CHECK(is_ready(other, 10000));
  CHECK(fm_sync_reset(event, &e) == FM_OK && !is_ready(other, 0));
  CHECK(fm_mailslot_send(writer, "x", 1, 1, &e) == FM_OK && is_ready(handle, 10000));
  fm_mailslot_close(slot);
  fm_sync_close(event);
  fm_sync_close(mutex);
  fm_mailslot_close(writer);
}

/* NAME is the path of a file of 100 bytes, to which the script appends as many. */
static void refresh(const char *path)
{
  fm_map *map;
  fm_view view;
  uint64_t size = 0;
  fm_options o = fm_default_options();
  o.access = FM_READ;
  CHECK(fm_file(&map, path, &o, &e) == FM_OK);
  CHECK(fm_map_refresh(map, &size, &e) == FM_OK && size == 100);
  say("READY");
  for (int i = 0; i < 1000 && size == 100; i++) {
    fm_sleep(0.01);
    CHECK(fm_map_refresh(map, &size, &e) == FM_OK);
  }
  CHECK(size == 200 && fm_map_size(map) == 200);
  CHECK(fm_view_open(&view, map, 150, 50, FM_READ, &e) == FM_OK && view.data[49] == 'y');
  fm_view_close(&view);
  fm_map_close(map);
  CHECK(fm_create(&map, NULL, 100, NULL, &e) == FM_OK);
  CHECK(fm_map_refresh(map, &size, &e) == FM_UNSUPPORTED);
  fm_map_close(map);
}

static void sleep_by_the_clock(const char *name)
{
  (void)name;
  const double before = fm_now();
  fm_sleep(0);
  fm_sleep(0.05);
  CHECK(fm_now() - before >= 0.05);
  say("READY");
}

int main(int argc, char **argv)
{
  static const struct { const char *mode; void (*run)(const char *name); } modes[] = {
    {"numbers", wait_for_numbers}, {"any", wait_for_any}, {"poll", poll_handles}, {"refresh", refresh},
    {"clock", sleep_by_the_clock},
  };
  for (size_t i = 0; argc == 3 && i < sizeof modes / sizeof *modes; i++) {
    if (strcmp(argv[1], modes[i].mode) != 0) continue;
    modes[i].run(argv[2]);
    say("done");
    return 0;
  }
  return 2;
}
