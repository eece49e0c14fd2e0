/* A page that another process cut away is missed by SIGBUS, which ends the process. The handler here acts on
** faults inside our own mappings only: it puts a page of zeros there, so that the access comes to its end, and
** marks the mapping, so that whoever made the access can tell. systemd's src/basic/sigbus.c does the same. */
#include "posix.h"

#if FM_SYSTEM_POSIX

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

static struct sigaction before;

/* What the system or the host would have done. A fault that nobody handles happens again when we return, and
** then ends the process as it would have. */
static void pass_on(int number, siginfo_t *info, void *context)
{
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(number, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(number);
  } else if (before.sa_handler == SIG_DFL || info->si_code > 0) { /* no fault can be ignored */
    signal(number, SIG_DFL);
    if (info->si_code <= 0) raise(number);
  }
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
  const int saved = errno;
  fm_mapping *m = info->si_code > 0 ? fm_guarded(info->si_addr) : NULL;
  if (m) {
    const size_t page = fm_page_size();
    void *start = (void *)((uintptr_t)info->si_addr / page * page);
    m->lost = 1; /* first: another thread may read the zeros at once */
    if (mmap(start, page, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
      m = NULL;
  }
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

int fm_sys_install_guard(fm_error *e)
{
  enum { NOT_YET, AT_IT, DONE };
  static atomic_int state;
  int now = NOT_YET;
  if (state == DONE) return FM_OK;
  if (!atomic_compare_exchange_strong(&state, &now, AT_IT)) {
    while (state == AT_IT) sched_yield();
    return state == DONE ? FM_OK : fm_fail(e, FM_SYSTEM, "no handler of SIGBUS can be installed");
  }
  stay_loaded();
  struct sigaction ours = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigemptyset(&ours.sa_mask);
  const int failed = sigaction(SIGBUS, NULL, &before) != 0 || sigaction(SIGBUS, &ours, NULL) != 0;
  const int error = errno;
  state = failed ? NOT_YET : DONE;
  return failed ? fm_fail_native(e, error) : FM_OK;
}

#endif
