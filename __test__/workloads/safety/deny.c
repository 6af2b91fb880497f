/*
 * deny CALL ERRNO PROGRAM [ARGUMENT]...
 * Runs a program in which one system call fails, as under a container's seccomp profile.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
  const char *name;
  int number;
} names[] = {
    {"perf_event_open", SYS_perf_event_open},
    {"timer_create", SYS_timer_create},
    {"rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo},
    {"setitimer", SYS_setitimer},
    {"EPERM", EPERM},
    {"EAGAIN", EAGAIN},
    {"ENOSYS", ENOSYS},
};

static int number_of(const char *name) {
  for (size_t place = 0; place < sizeof names / sizeof *names; place++) {
    if (strcmp(names[place].name, name) == 0) return names[place].number;
  }
  fprintf(stderr, "deny: %s is not known\n", name);
  return -1;
}

int main(int count, char **arguments) {
  if (count < 4) return 125;
  int call = number_of(arguments[1]);
  int error = number_of(arguments[2]);
  if (call < 0 || error < 0) return 125;
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("deny: seccomp");
    return 125;
  }
  execv(arguments[3], arguments + 3);
  perror("deny: exec");
  return 125;
}
