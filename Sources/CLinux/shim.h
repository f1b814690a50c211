#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>

// glibc declares these for _GNU_SOURCE only, which Swift's Glibc module is built without.
int accept4(int, struct sockaddr *, socklen_t *, int);
int pthread_setname_np(pthread_t, const char *);
int sem_clockwait(sem_t *, clockid_t, const struct timespec *);

// Enumerators in glibc, so Swift imports them as a type of their own.
static const uint32_t c_epoll_in = EPOLLIN;
static const uint32_t c_epoll_out = EPOLLOUT;
static const int c_socket_stream = SOCK_STREAM;
static const int c_socket_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
static const int c_message_no_signal = MSG_NOSIGNAL;

// Flags of inotify, some of which are enumerators in glibc.
static const int c_inotify_flags = IN_NONBLOCK | IN_CLOEXEC;

// FICLONE of linux/fs.h, which cannot be included beside sys/mount.h: shares a file's blocks with another file.
static inline int fletch_clone_file(int target, int source) { return ioctl(target, _IOW(0x94, 9, int), source); }
