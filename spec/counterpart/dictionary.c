/* A program in C that uses each call of dictionaries, without Lua, and talks to a script by one:
**   dictionary NAME
**   1. It reads the values that the script has set, prints them, and sets values of its own.
**   2. It sets the key "asks", and waits for the key "answers".
**   3. It iterates, prints what it found, clears the dictionary, and makes another one by the name NAME-own,
**      which it holds until the end of its input.
** It prints READY when the dictionary is open. A call that gives another result than it should ends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/filemap.h"

static fm_error e;
static fm_dict *d;

static void expect(int code, int expected, const char *call)
{
  if (code == expected) return;
  printf("%s: %s (%s)\n", call, fm_word(code), code == FM_OK ? "" : e.detail);
  exit(1);
}

static void print_value(const char *key, size_t length, const fm_value *v, uint64_t version)
{
  printf("%.*s = ", (int)length, key);
  switch (v->type) {
    case FM_STRING: printf("string %.*s", (int)v->length, (const char *)v->data); break;
    case FM_INTEGER: printf("integer %lld", (long long)v->integer); break;
    case FM_FLOAT: printf("float %g", v->number); break;
    case FM_BOOLEAN: printf("boolean %s", v->boolean ? "true" : "false"); break;
    default: printf("none"); break;
  }
  printf(" (%llu)\n", (unsigned long long)version);
}

static uint64_t get(const char *key)
{
  fm_value v;
  uint64_t version;
  expect(fm_dict_get(d, key, strlen(key), &v, &version, &e), FM_OK, key);
  print_value(key, strlen(key), &v, version);
  return version;
}

static uint64_t set(const char *key, fm_value v, fm_dict_mode mode, double ttl, int expected)
{
  uint64_t version = 0;
  expect(fm_dict_set(d, key, strlen(key), &v, mode, ttl, &version, &e), expected, key);
  return version;
}

static fm_value text(const char *s)
{
  return (fm_value){.type = FM_STRING, .data = s, .length = strlen(s)};
}

static fm_value integer(int64_t i)
{
  return (fm_value){.type = FM_INTEGER, .integer = i};
}

static void set_values(uint64_t integer_version)
{
  fm_value found, sum, one = integer(1), ten = integer(10);
  uint64_t version;
  bool done, is_number, existed;
  set("integer", integer(2), FM_DICT_ADD, FM_FOREVER, FM_EXISTS);
  set("absent", integer(2), FM_DICT_REPLACE, FM_FOREVER, FM_NOT_FOUND);
  set("c text", text("from C"), FM_DICT_ADD, FM_FOREVER, FM_OK);
  set("c text", text("from C, again"), FM_DICT_REPLACE, FM_FOREVER, FM_OK);
  set("c float", (fm_value){.type = FM_FLOAT, .number = 0.5}, FM_DICT_SET, FM_FOREVER, FM_OK);
  set("c boolean", (fm_value){.type = FM_BOOLEAN, .boolean = true}, FM_DICT_SET, 1000, FM_OK);
  set("wrong", integer(1), FM_DICT_SET, -1, FM_INVALID);
  set("", integer(1), FM_DICT_SET, FM_FOREVER, FM_INVALID);
  set("wrong", (fm_value){.type = FM_NONE}, FM_DICT_SET, FM_FOREVER, FM_INVALID);
  expect(fm_dict_compare_set(d, "integer", 7, integer_version + 1, &one, &done, &found, &version, &e), FM_OK,
         "compare_set");
  print_value("found", 5, &found, version);
  expect(fm_dict_compare_set(d, "integer", 7, version, &ten, &done, &found, &version, &e), FM_OK,
         "compare_set");
  printf("done %d\n", done);
  expect(fm_dict_increment(d, "counter", 7, &one, NULL, &sum, NULL, &e), FM_NOT_FOUND, "increment");
  expect(fm_dict_increment(d, "counter", 7, &one, &ten, &sum, NULL, &e), FM_OK, "increment");
  print_value("sum", 3, &sum, 0);
  expect(fm_dict_increment(d, "text", 4, &one, NULL, &sum, &is_number, &e), FM_INVALID, "increment");
  printf("number %d\n", is_number);
  expect(fm_dict_delete(d, "float", 5, &existed, &e), FM_OK, "delete");
  expect(fm_dict_delete(d, "absent", 6, &done, &e), FM_OK, "delete");
  printf("existed %d %d\n", existed, done);
}

static void wait_for_answer(void)
{
  fm_value v;
  uint64_t now;
  const uint64_t version = set("short", integer(1), FM_DICT_SET, 1e-3, FM_OK);
  expect(fm_dict_wait(d, "answers", 7, 0, 0, &v, &now, &e), FM_TIMEOUT, "wait");
  expect(fm_dict_wait(d, "short", 5, version, 60, &v, &now, &e), FM_NOT_FOUND, "wait for the end of a ttl");
  set("asks", integer(1), FM_DICT_SET, FM_FOREVER, FM_OK);
  expect(fm_dict_wait(d, "answers", 7, 0, 60, &v, &now, &e), FM_OK, "wait");
  print_value("answers", 7, &v, now);
}

static void iterate(void)
{
  fm_dict_cursor *c;
  const void *key;
  size_t length;
  fm_value v;
  uint64_t version, count = 0;
  fm_dict_info i;
  int code;
  expect(fm_dict_cursor_open(&c, d, &e), FM_OK, "cursor_open");
  while ((code = fm_dict_cursor_next(c, &key, &length, &v, &version, &e)) == FM_OK) {
    count++;
    if (length == 6 && memcmp(key, "c text", 6) == 0) print_value(key, length, &v, 0);
  }
  expect(code, FM_NOT_FOUND, "cursor_next");
  fm_dict_cursor_close(c);
  fm_dict_cursor_close(NULL);
  expect(fm_dict_get_info(d, &i, &e), FM_OK, "get_info");
  printf("%llu keys, %llu counted, %llu of %llu bytes\n", (unsigned long long)count,
         (unsigned long long)i.count, (unsigned long long)i.used, (unsigned long long)i.capacity);
}

int main(int argc, char **argv)
{
  char own[300];
  bool created;
  fm_dict *other;
  if (argc != 2) return 2;
  setvbuf(stdout, NULL, _IONBF, 0);
  expect(fm_dict_open(&d, "no such dictionary", &e), FM_NOT_FOUND, "open");
  expect(fm_dict_open(&d, argv[1], &e), FM_OK, "open");
  printf("READY\nname %s\n", fm_dict_name(d));
  get("text");
  get("float");
  get("boolean");
  set_values(get("integer"));
  wait_for_answer();
  iterate();
  expect(fm_dict_clear(d, &e), FM_OK, "clear");
  snprintf(own, sizeof own, "%s-own", argv[1]);
  expect(fm_dict_create_or_open(&other, &created, argv[1], 1 << 20, false, NULL, &e), FM_TOO_SMALL, "larger");
  expect(fm_dict_create_or_open(&other, &created, own, 1000, true, NULL, &e), FM_OK, "create_or_open");
  fm_dict_close(d);
  d = other;
  for (int i = 1; i <= 20; i++) set(i % 2 ? "odd" : "even", integer(i), FM_DICT_SET, FM_FOREVER, FM_OK);
  printf("created %d\n", created);
  while (getchar() != EOF) {}
  fm_dict_close(d);
  fm_dict_close(NULL);
  printf("done\n");
  return 0;
}
