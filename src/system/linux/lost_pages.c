/* The handler of SIGBUS, which the kernel sends for an access to a page that another process truncated away.
** The handler acts only on faults inside our own mappings: it marks the mapping, so that the call that made
** the access can fail, and maps zeros over it, so that the access itself completes. (systemd's
** src/basic/sigbus.c does the same.)
**
** It may interrupt any code, itself included, and so takes no lock. Every other signal goes to the handler
** that was installed before, in the same state as if the kernel had called it. */
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

/* Does what the kernel would have done without our handler. A fault that no handler repairs happens again
** when we return, and then ends the process. A SIGBUS that another process sent is raised again. */
static void pass_on(int number, siginfo_t *info, void *context)
{
  const bool is_fault = info->si_code > 0 && info->si_code != BUS_MCEERR_AO;
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    call_before(number, info, context);
  } else if (before.sa_handler == SIG_DFL || is_fault) { /* a fault cannot be ignored */
    signal(number, SIG_DFL);
    if (!is_fault) raise(number);
  }
}

/* Maps zeros over the whole mapping, so that the number of mappings, which has a limit, does not grow. Shared
** zeros do not count as data of the process, which may have a limit too. If that fails it maps zeros over one
** page. */
static bool put_zeros(const fm_mapped *m, const void *address)
{
  const int protection = PROT_READ | PROT_WRITE, flags = MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
  void *start = (void *)((uintptr_t)address / m->unit * m->unit);
  return mmap(m->base, m->length, protection, flags | MAP_SHARED, -1, 0) != MAP_FAILED ||
         mmap(start, m->unit, protection, flags | MAP_PRIVATE, -1, 0) != MAP_FAILED;
}

/* A fault by a misaligned address is not a lost page, and zeros would not repair it. */
static void on_sigbus(int number, siginfo_t *info, void *context)
{
  const int saved = errno;
  fm_mapped *m = info->si_code > 0 && info->si_code != BUS_ADRALN ? find_mapped(info->si_addr) : NULL;
  if (m) m->lost = 1; /* before the zeros, which another thread may read at once */
  if (m && !put_zeros(m, info->si_addr)) m = NULL;
  errno = saved;
  if (!m) pass_on(number, info, context);
}

/* The handler stays installed, since a later handler may chain to it. So its code must stay loaded when
** the host unloads the module. */
static void stay_loaded(void)
{
  Dl_info self;
  if (dladdr((void *)&before, &self) && self.dli_fname)
    dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

static atomic_bool installed;

/* The caller has the process lock. System calls that a SIGBUS did not interrupt before are not interrupted
** afterwards. */
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

/* A fault ends the process if its signal is blocked. So a thread that opens a view unblocks SIGBUS. */
static void unblock(void)
{
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGBUS);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
}

/* The process lock keeps forks out. The child of a fork in the middle would find the handler half
** installed. */
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
