/* Seats: each is a lock on one byte, by an open file description of its own (fm_linux_lock_byte). The kernel
** drops such a lock with the last descriptor of its description, and so when the process dies.
**
** A forked child has copies of all descriptors. By them a dead parent would seem alive, so the child
** closes them at once. A child of posix_spawn(3) or system(3) runs no fork handlers and keeps its copies
** until its exec. So a process that releases a seat unlocks the byte before it closes the descriptor.
**
** A process that has changed its user id may not be allowed to open the file again. It then locks the byte
** through the section's own open file description, unless another process shares that description. If the
** process forks later and dies, it seems alive until the child has closed the section too. */
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

/* Opens the file of a section again. The link in /proc leads to it even if it has lost its name. If that is
** denied, duplicates the section's descriptor, and sets *shared. */
static int open_anew(const fm_section *s, bool *shared)
{
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", s->fd);
  const int fd = fm_linux_open(link, O_RDWR, 0);
  *shared = fd < 0 && errno == EACCES && !s->is_shared && s->forks == fm_linux_forks();
  return *shared ? fcntl(s->fd, F_DUPFD_CLOEXEC, 0) : fd;
}

/* Does this process hold the seat by the section's own open file description? Its locks do not exclude each
** other, and fm_linux_see_lock does not see them. */
static bool is_own(const fm_section *s, uint32_t number)
{
  const fm_seat *held = seats;
  while (held && (held->shared != s || held->number != number)) held = held->next;
  return held != NULL;
}

/* 0 or an errno; EAGAIN if another process or another seat of this one has the byte locked. */
static int lock_seat(int *out, bool *shared, const fm_section *s, uint32_t number)
{
  const int fd = open_anew(s, shared);
  if (fd < 0) return errno;
  const int error = *shared && is_own(s, number) ? EAGAIN : fm_linux_lock_byte(fd, F_WRLCK, number);
  if (error == 0) *out = fd;
  else close(fd);
  return error == EACCES ? EAGAIN : error; /* fcntl(2) allows either */
}

int fm_seat_acquire(fm_seat *seat, const fm_section *s, uint32_t number, fm_error *e)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start);
  /* This look, which opens nothing, finds most seats that another process has. */
  if (fm_linux_see_lock(s->fd, number) > 0) return fm_fail(e, FM_IN_USE, NULL);
  int fd = -1, code = FM_OK;
  bool shared = false;
  fm_sys_lock_process(); /* a child forked between the open and the list would keep the descriptor */
  const int error = lock_seat(&fd, &shared, s, number);
  if (error == 0) {
    *seat = (fm_seat){.number = number, .fd = fd, .shared = shared ? s : NULL, .next = seats};
    seats = seat;
  } else {
    code = error == EAGAIN ? fm_fail(e, FM_IN_USE, NULL) : fm_fail_native(e, error);
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
