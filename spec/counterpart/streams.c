/* Reads both ways of a stream by the C library. Usage: streams NAME. It prints the line of the first check
** that fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/filemap.h"

static const void *data;
static size_t length;
static fm_error e;

static void check_at(int line, int holds)
{
  if (holds) return;
  printf("line %d: code %s, %s\n", line, fm_word(e.code), e.detail);
  exit(1);
}

#define CHECK(x) check_at(__LINE__, x)
#define HOLDS(text) (length == strlen(text) && memcmp(data, text, length) == 0)

static void put(fm_conn *c, const char *text, size_t size)
{
  size_t written = size;
  CHECK(fm_conn_write(c, text, &written, 1, &e) == FM_OK && written == size);
}

static void put_text(fm_conn *c, const char *text)
{
  put(c, text, strlen(text));
}

static fm_listener *listen_at(const char *name, bool stream)
{
  fm_listener *l = NULL;
  const fm_options o = fm_default_options();
  CHECK(fm_pipe_listen(&l, name, 0, stream, &o, &e) == FM_OK);
  return l;
}

static void check_lines(fm_conn *from, fm_conn *to)
{
  char out[10];
  put_text(to, "half");
  CHECK(fm_conn_read_line(from, 0.02, &data, &length, &e) == FM_TIMEOUT && fm_conn_unread(from) == 4);
  CHECK(fm_conn_read_line(from, 0, &data, &length, &e) == FM_TIMEOUT && fm_conn_unread(from) == 4);
  put_text(to, " a line\n\nrest of it");
  CHECK(fm_conn_read_line(from, 1, &data, &length, &e) == FM_OK && HOLDS("half a line\n"));
  CHECK(fm_conn_read_line(from, 1, &data, &length, &e) == FM_OK && HOLDS("\n"));
  CHECK(fm_conn_read_count(from, 1, 2, &data, &length, &e) == FM_OK && HOLDS("re"));
  length = sizeof out;
  CHECK(fm_conn_read(from, 1, out, &length, &e) == FM_OK && length == 8 && memcmp(out, "st of it", 8) == 0);
  CHECK(fm_conn_unread(from) == 0);
  CHECK(fm_conn_read_count(from, 0, 0, &data, &length, &e) == FM_TIMEOUT);
  CHECK(fm_conn_read_count(from, 0, 5, &data, &length, &e) == FM_TIMEOUT);
  put_text(to, "123");
  CHECK(fm_conn_read_count(from, 1, 0, &data, &length, &e) == FM_OK && length == 0);
  CHECK(fm_conn_read_count(from, 0, 5, &data, &length, &e) == FM_TIMEOUT && fm_conn_unread(from) == 3);
  CHECK(fm_conn_read_all(from, 0, &data, &length, &e) == FM_TIMEOUT && fm_conn_unread(from) == 3);
  put_text(to, "45\n");
  CHECK(fm_conn_read_count(from, 1, 5, &data, &length, &e) == FM_OK && HOLDS("12345"));
  CHECK(fm_conn_read_line(from, 1, &data, &length, &e) == FM_OK && HOLDS("\n"));
}

static void check_long_lines(fm_conn *from, fm_conn *to)
{
  static char text[50000];
  memset(text, 'x', sizeof text);
  for (size_t i = 0; i < 100; i++) {
    CHECK(fm_conn_read_line(from, 0, &data, &length, &e) == FM_TIMEOUT);
    CHECK(fm_conn_unread(from) == sizeof text * i);
    put(to, text, sizeof text);
  }
  put_text(to, "\n");
  CHECK(fm_conn_read_line(from, 1, &data, &length, &e) == FM_OK && length == 100 * sizeof text + 1);
  CHECK(((const char *)data)[0] == 'x' && ((const char *)data)[length - 1] == '\n');
}

static void check_mistakes(fm_conn *c, const char *name)
{
  CHECK(fm_conn_read_line(c, -1, &data, &length, &e) == FM_INVALID);
  CHECK(fm_conn_read_count(c, -1, 1, &data, &length, &e) == FM_INVALID);
  CHECK(fm_conn_read_all(c, -1, &data, &length, &e) == FM_INVALID);
  char other[300];
  snprintf(other, sizeof other, "%s messages", name);
  fm_listener *l = listen_at(other, false);
  fm_conn *messages = NULL;
  CHECK(fm_pipe_connect(&messages, other, 1, &e) == FM_OK);
  CHECK(fm_conn_read_line(messages, 0, &data, &length, &e) == FM_INVALID);
  CHECK(fm_conn_read_count(messages, 0, 1, &data, &length, &e) == FM_INVALID);
  CHECK(fm_conn_read_all(messages, 0, &data, &length, &e) == FM_INVALID);
  fm_conn_close(messages);
  fm_listener_close(l);
}

static void check_end(fm_conn *from, fm_conn *to)
{
  put_text(to, "last\nwithout end");
  fm_conn_close(to);
  CHECK(fm_conn_read_count(from, 1, 0, &data, &length, &e) == FM_OK && length == 0);
  CHECK(fm_conn_read_line(from, 1, &data, &length, &e) == FM_OK && HOLDS("last\n"));
  CHECK(fm_conn_read_line(from, 1, &data, &length, &e) == FM_OK && HOLDS("without end"));
  CHECK(fm_conn_read_line(from, 1, &data, &length, &e) == FM_CLOSED);
  CHECK(fm_conn_read_count(from, 1, 1, &data, &length, &e) == FM_CLOSED);
  CHECK(fm_conn_read_count(from, 1, 0, &data, &length, &e) == FM_CLOSED);
  CHECK(fm_conn_read_all(from, 1, &data, &length, &e) == FM_OK && length == 0);
}

int main(int count, char **arguments)
{
  if (count != 2) return 2;
  fm_conn *client = NULL, *server = NULL;
  fm_listener *l = listen_at(arguments[1], true);
  CHECK(fm_pipe_connect(&client, arguments[1], 1, &e) == FM_OK);
  CHECK(fm_pipe_accept(l, 1, &server, &e) == FM_OK);
  check_lines(server, client);
  check_lines(client, server);
  check_long_lines(server, client);
  check_mistakes(client, arguments[1]);
  check_end(server, client);
  fm_conn_close(server);
  fm_listener_close(l);
  puts("OK");
  return 0;
}
