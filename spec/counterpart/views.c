/* A program in C that makes each call of filemap.h with a closed view, and with one that was never opened.
** It prints what went wrong, and then done. */
#include <stdio.h>
#include <string.h>

#include "../../include/filemap.h"

static void check(bool holds, const char *call, const char *which)
{
  if (!holds) printf("%s of a view that is %s\n", call, which);
}

static bool is_closed(int code, const fm_error *e)
{
  return code == FM_CLOSED && e->code == FM_CLOSED && strcmp(e->detail, "the view is closed") == 0;
}

static void call_all(fm_view *v, fm_view *open, const char *which)
{
  fm_view out = {0};
  fm_error e;
  char before[4], after[4];
  check(is_closed(fm_view_sub(&out, v, 0, 1, FM_READ, &e), &e), "fm_view_sub", which);
  check(is_closed(fm_view_sub(&out, v, 0, 1, FM_READ | FM_COPY, &e), &e), "fm_view_sub, copy", which);
  check(!out.mapping, "fm_view_sub's output", which);
  check(is_closed(fm_view_flush(v, 0, 0, false, &e), &e), "fm_view_flush", which);
  check(is_closed(fm_view_check(v, true, 0, 1, &e), &e), "fm_view_check", which);
  check(is_closed(fm_view_advise(v, FM_NORMAL, 0, 0, &e), &e), "fm_view_advise", which);
  check(is_closed(fm_view_pin(v, &e), &e), "fm_view_pin", which);
  check(is_closed(fm_view_unpin(v, &e), &e), "fm_view_unpin", which);
  check(is_closed(fm_view_commit(v, 0, 0, &e), &e), "fm_view_commit", which);
  check(fm_view_map(v) == NULL, "fm_view_map", which);
  check(!fm_view_is_lost(v), "fm_view_is_lost", which);
  check(fm_view_pin(v, NULL) == FM_CLOSED, "fm_view_pin without an fm_error", which);
  memcpy(before, open->data, sizeof before);
  fm_view_copy(open, 0, v, 0, sizeof before);
  fm_view_copy(v, 0, open, 0, sizeof before);
  memcpy(after, open->data, sizeof after);
  check(memcmp(before, after, sizeof before) == 0, "fm_view_copy", which);
  fm_view_close(v);
}

int main(void)
{
  fm_map *m;
  fm_view open = {0}, closed = {0}, never = {0};
  fm_options o = fm_default_options();
  if (fm_create(&m, NULL, 100, &o, NULL) != FM_OK || fm_view_open(&open, m, 0, 100, FM_RW, NULL) != FM_OK ||
      fm_view_open(&closed, m, 0, 100, FM_RW, NULL) != FM_OK)
    return 2;
  fm_view_close(&closed);
  call_all(&closed, &open, "closed");
  call_all(&never, &open, "zeroed");
  fm_view_close(&open);
  fm_map_close(m);
  printf("done\n");
  return 0;
}
