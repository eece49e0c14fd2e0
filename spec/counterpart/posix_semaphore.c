/* A program that uses semaphores of sem_open(3) and does not know filemap.
**
** posix_semaphore NAME create COUNT  creates the semaphore
** posix_semaphore NAME open          opens it
**
** It then obeys lines of standard input: "wait", "try", "post", "value", "unlink". */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int obey(sem_t *sem, const char *name, const char *word)
{
  if (strcmp(word, "wait") == 0) return sem_wait(sem);
  if (strcmp(word, "try") == 0) return sem_trywait(sem);
  if (strcmp(word, "post") == 0) return sem_post(sem);
  if (strcmp(word, "unlink") == 0) return sem_unlink(name);
  return -1;
}

int main(int argc, char **argv)
{
  char word[32];
  if (argc < 3) return 2;
  sem_t *sem = argc > 3 ? sem_open(argv[1], O_CREAT | O_EXCL, 0600, (unsigned)atoi(argv[3]))
                        : sem_open(argv[1], 0);
  if (sem == SEM_FAILED) {
    printf("failed %d\n", errno);
    return 1;
  }
  puts("READY");
  fflush(stdout);
  while (scanf("%31s", word) == 1) {
    int value = 0;
    if (strcmp(word, "value") == 0 && sem_getvalue(sem, &value) == 0) printf("%d\n", value);
    else if (obey(sem, argv[1], word) == 0) puts("done");
    else printf("errno %d\n", errno);
    fflush(stdout);
  }
  return sem_close(sem);
}
