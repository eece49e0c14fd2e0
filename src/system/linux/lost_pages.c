/* A page that another process cut away is missed by SIGBUS, which ends the process. The handler here acts on
** faults inside our own mappings only: it puts zeros there, so that the access comes to its end, and marks the
** mapping, so that whoever made the access can tell. systemd's src/basic/sigbus.c does the same.
**
** It interrupts anything, itself too, and so knows no lock. What is not ours goes to the handler that was there
** before, which finds all as if it had been called by the system. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

static struct sigaction before;
static fm_find_mapped find_mapped;

static void call_before(int number, siginfo_t *info, void *context)
{
  const struct sigaction host = before;
  sigset_t blocked = host.sa_mask, now;
  if (host.sa_flags & (int)SA_RESETHAND) before.sa_handler = SIG_DFL;
  if (!(host.sa_flags & SA_NODEFER)) sigaddset(&blocked, number);
  pthread_sigmask(SIG_BLOCK, &blocked, &now);
  if (host.sa_flags & SA_SIGINFO) host.sa_sigaction(number, info, context);
  else host.sa_handler(number);
  pthread_sigmask(SIG_SETMASK, &now, NULL);
}

/* What the system or the host would have done. A fault that nobody handles happens again when we return, and
** then ends the process as it would have; what is no fault is sent again. */
static void pass_on(int number, siginfo_t *info, void *context)
{
  const bool is_fault = info->si_code > 0 && info->si_code != BUS_MCEERR_AO;
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    call_before(number, info, context);
  } else if (before.sa_handler == SIG_DFL || is_fault) { /* no fault can be ignored */
    signal(number, SIG_DFL);
    if (!is_fault) raise(number);
  }
}

/* Zeros in place of the whole mapping, so that there are no more mappings than before, of which a process has only so
** many; being shared they count as no data of the process, of which it may have a limit. Where the system does not
** make these, a page. */
static bool put_zeros(const fm_mapped *m, const void *address)
{
  const int protection = PROT_READ | PROT_WRITE, flags = MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
  void *start = (void *)((uintptr_t)address / m->unit * m->unit);
  return mmap(m->base, m->length, protection, flags | MAP_SHARED, -1, 0) != MAP_FAILED ||
         mmap(start, m->unit, protection, flags | MAP_PRIVATE, -1, 0) != MAP_FAILED;
}

/* An address that is not aligned as the processor wants it is no page that is missing: it would be missed again. */
static void on_sigbus(int number, siginfo_t *info, void *context)
{
  const int saved = errno;
  fm_mapped *m = info->si_code > 0 && info->si_code != BUS_ADRALN ? find_mapped(info->si_addr) : NULL;
  if (m) m->lost = 1; /* first: another thread may read the zeros at once */
  if (m && !put_zeros(m, info->si_addr)) m = NULL;
  errno = saved;
  if (!m) pass_on(number, info, context);
}

/* The handler stays installed, since one that came later may chain to it; so the code of it must stay as well
** when the host unloads the module. */
static void stay_loaded(void)
{
  Dl_info self;
  if (dladdr((void *)&before, &self) && self.dli_fname)
    dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

static atomic_bool installed;

/* By one thread at a time. Calls of the system that were not broken off before are not. */
static int install(void)
{
  struct sigaction ours = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  if (installed) return 0;
  sigemptyset(&ours.sa_mask);
  if (sigaction(SIGBUS, NULL, &before) != 0) return errno;
  if (before.sa_handler == SIG_IGN || before.sa_flags & SA_RESTART) ours.sa_flags |= SA_RESTART;
  if (sigaction(SIGBUS, &ours, NULL) != 0) return errno;
  installed = true;
  return 0;
}

/* A fault whose signal is blocked ends the process, whoever handles it: a thread that opens views lets it through. */
static void unblock(void)
{
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGBUS);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
}

/* No fork comes in between: its child would wait for a thread that it does not have. */
int fm_sys_handle_lost_pages(fm_find_mapped find, fm_error *e)
{
  int error = 0;
  if (!installed) {
    stay_loaded();
    fm_sys_lock_process();
    find_mapped = find; /* before a signal can come */
    error = install();
    fm_sys_unlock_process();
  }
  unblock();
  return error ? fm_fail_native(e, error) : FM_OK;
}

#endif
