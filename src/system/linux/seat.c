/* Seats: locks on one byte of an open file description each (fm_linux_lock_byte). The kernel drops such a lock with the
** last descriptor of its description, and so when the process dies.
**
** A forked child has copies of all descriptors, by which a dead parent would look alive: the child closes them at once. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <pthread.h>
#include <stdio.h>

/* Of this process; under the process lock. */
static fm_seat *seats;

static void in_child(void)
{
  for (fm_seat *s = seats; s; s = s->next) {
    close(s->fd);
    s->number = 0;
  }
  seats = NULL;
}

static void start(void)
{
  pthread_atfork(NULL, NULL, in_child);
}

/* Another description of the file behind a descriptor; /proc leads to it though it may have lost its name. */
static int open_anew(int fd)
{
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return fm_linux_open(link, O_RDWR, 0);
}

int fm_seat_acquire(fm_seat *seat, const fm_section *s, uint32_t number, fm_error *e)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start);
  /* Most seats that are taken are seen without opening anything. */
  if (fm_linux_see_lock(s->fd, number) > 0) return fm_fail(e, FM_IN_USE, NULL);
  fm_sys_lock_process(); /* no fork may come between the opening and the list */
  const int fd = open_anew(s->fd);
  int code = fd < 0 ? fm_fail_native(e, errno) : FM_OK;
  const int error = fd < 0 ? 0 : fm_linux_lock_byte(fd, F_WRLCK, number);
  if (error == EAGAIN || error == EACCES) code = fm_fail(e, FM_IN_USE, NULL);
  else if (error != 0) code = fm_fail_native(e, error);
  if (code == FM_OK) {
    *seat = (fm_seat){number, fd, seats};
    seats = seat;
  } else if (fd >= 0) {
    close(fd);
  }
  fm_sys_unlock_process();
  return code;
}

void fm_seat_release(fm_seat *seat)
{
  if (seat->number == 0) return;
  fm_sys_lock_process();
  fm_seat **at = &seats;
  while (*at && *at != seat) at = &(*at)->next;
  if (*at) {
    *at = seat->next;
    close(seat->fd);
  }
  fm_sys_unlock_process();
  seat->number = 0;
}

/* A process that cannot be seen to have died counts as alive, so that its seat is not taken from it. */
bool fm_seat_is_taken(const fm_section *s, uint32_t number)
{
  return fm_linux_see_lock(s->fd, number) != 0;
}

#endif
