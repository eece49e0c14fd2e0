/* Seats: each is a lock on one byte, by an open file description of its own (fm_linux_lock_byte). The kernel
** drops such a lock with the last descriptor of its description, and so when the process dies.
**
** A forked child has copies of all descriptors. By them a dead parent would seem alive, so the child
** closes them at once. A child of posix_spawn(3) or system(3) runs no fork handlers and keeps its copies
** until its exec. So a process that releases a seat unlocks the byte before it closes the descriptor. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <pthread.h>
#include <stdio.h>

/* The seats of this process. The process lock protects the list. */
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

/* Opens the file of a descriptor again. The link in /proc leads to it even if it has lost its name. */
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
  /* This look, which opens nothing, finds most seats that another process has. */
  if (fm_linux_see_lock(s->fd, number) > 0) return fm_fail(e, FM_IN_USE, NULL);
  fm_sys_lock_process(); /* a child forked between the open and the list would keep the descriptor */
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
    fm_linux_lock_byte(seat->fd, F_UNLCK, seat->number);
    close(seat->fd);
  }
  fm_sys_unlock_process();
  seat->number = 0;
}

/* If the system cannot tell, the process counts as alive, so that no other process acquires its seat. */
bool fm_seat_is_taken(const fm_section *s, uint32_t number)
{
  return fm_linux_see_lock(s->fd, number) != 0;
}

#endif
