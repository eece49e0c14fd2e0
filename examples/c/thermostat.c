/* A host in C: it publishes a state, which any number of programs and scripts read, and takes orders by a
** mailslot.
**
**   thermostat [NAME]         goes on until a script orders it to stop: lua thermostat.lua stop
**
** Build it against an installed filemap, by CMake (CMakeLists.txt) or with pkg-config:
**
**   cc thermostat.c $(pkg-config --cflags --libs filemap) -o thermostat */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <filemap.h>

#include "thermostat.h"

/* Seconds between two readings. */
static const double step = 0.05;

static int report(const char *name, const fm_error *e)
{
  fprintf(stderr, "thermostat: %s: %s (%s)\n", name, e->detail, fm_word(e->code));
  return EXIT_FAILURE;
}

static void heat_or_cool(thermostat_reading *r)
{
  r->heating = r->temperature < r->target;
  r->temperature += r->heating ? 0.25 : -0.25;
}

/* Returns false for the order to stop. Messages have no NUL at their end. */
static bool follow(thermostat_reading *r, const char *order, size_t length)
{
  char text[40];
  snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1), order);
  printf("order: %s\n", text);
  r->orders++;
  if (strncmp(text, "target ", 7) == 0) r->target = strtod(text + 7, NULL);
  return strcmp(text, "stop") != 0;
}

/* Waits for orders, and publishes a reading after each order and each step. */
static int run(fm_state *state, fm_mailslot *orders, fm_error *e)
{
  thermostat_reading r = {.temperature = 18, .target = 18};
  bool goes_on = true;
  int code = FM_OK;
  while (goes_on && code == FM_OK) {
    const void *order;
    size_t length;
    code = fm_state_publish(state, &r, sizeof r, e);
    if (code != FM_OK) break;
    code = fm_mailslot_receive(orders, step, &order, &length, e);
    if (code == FM_OK) goes_on = follow(&r, order, length);
    if (code == FM_TIMEOUT) code = FM_OK;
    heat_or_cool(&r);
  }
  return code;
}

int main(int argc, char **argv)
{
  const char *name = argc > 1 ? argv[1] : THERMOSTAT_NAME;
  char orders_name[FM_NAME_SIZE];
  fm_state *state = NULL;
  fm_mailslot *orders = NULL;
  fm_error e;
  snprintf(orders_name, sizeof orders_name, "%s%s", name, THERMOSTAT_ORDERS);

  int code = fm_state_create(&state, name, sizeof(thermostat_reading), NULL, &e);
  if (code == FM_OK) code = fm_mailslot_create(&orders, orders_name, 40, 0, NULL, &e);
  if (code == FM_OK) {
    printf("READY\n");
    setvbuf(stdout, NULL, _IONBF, 0);
    code = run(state, orders, &e);
  }
  fm_mailslot_close(orders);
  fm_state_close(state);
  return code == FM_OK ? EXIT_SUCCESS : report(name, &e);
}
