/* Descriptors for event loops, and the thread that sets them. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <signal.h>
#include <sys/eventfd.h>

int fm_sys_pollable_open(intptr_t *out, fm_error *e)
{
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return fm_fail_native(e, errno);
  *out = fd;
  return FM_OK;
}

void fm_sys_pollable_close(intptr_t handle)
{
  close((int)handle);
}

/* It is readable while its count is greater than 0. */
void fm_sys_pollable_set(intptr_t handle)
{
  const uint64_t one = 1;
  (void)!write((int)handle, &one, sizeof one);
}

void fm_sys_pollable_clear(intptr_t handle)
{
  uint64_t count;
  (void)!read((int)handle, &count, sizeof count);
}

/* A futex needs only its word. */
int fm_sys_event_private(fm_event *out, fm_error *e)
{
  (void)e;
  *out = (fm_event){0};
  return FM_OK;
}

/* {-- The thread -------------------------------------------------------------------------------- */

static void (*forked)(void);

static void in_child(void)
{
  if (forked) forked();
}

static void start(void)
{
  pthread_atfork(NULL, NULL, in_child);
}

static void *run_thread(void *context)
{
  const fm_thread *t = context;
  t->run(t->context);
  return NULL;
}

/* Signals that the thread causes itself must not be blocked: SIGBUS reports a lost page. */
static void block_signals(sigset_t *before)
{
  static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  sigset_t all;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&all, own[i]);
  pthread_sigmask(SIG_SETMASK, &all, before);
}

/* The first call registers what to do in a child. Until then the handlers of lists that the process has are
** registered, so that they run before. */
int fm_sys_thread_start(fm_thread *out, void (*run)(void *context), void *context, void (*child)(void),
                        fm_error *e)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  enum { STACK = 256 * 1024 };
  pthread_attr_t attributes;
  sigset_t before;
  pthread_once(&once, start);
  forked = child;
  out->run = run;
  out->context = context;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK);
  block_signals(&before);
  const int error = pthread_create(&out->id, &attributes, run_thread, out);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error == EAGAIN) return fm_fail(e, FM_NO_MEMORY, "the system starts no more threads");
  return error == 0 ? FM_OK : fm_fail_native(e, error);
}

void fm_sys_thread_join(fm_thread *t)
{
  pthread_join(t->id, NULL);
}

#endif
