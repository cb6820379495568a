/* Turns the time of day of one process: clock_gettime, gettimeofday and time add what a file says.
   The file holds one 64-bit number of nanoseconds and is mapped, so a change is seen at once.
   Clocks that only run on (CLOCK_MONOTONIC and its like) are left alone, as in life. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static volatile int64_t *turned;

__attribute__((constructor)) static void map_file(void)
{
    const char *name = getenv("TURNED_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *place = mmap(NULL, sizeof *turned, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (place != MAP_FAILED)
        turned = place;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && turned && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t all = now->tv_sec * SECOND + now->tv_nsec + *turned;
        now->tv_sec = all / SECOND;
        now->tv_nsec = all % SECOND;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec here;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &here);
    now->tv_sec = here.tv_sec;
    now->tv_usec = here.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *place)
{
    struct timespec here;
    clock_gettime(CLOCK_REALTIME, &here);
    if (place)
        *place = here.tv_sec;
    return here.tv_sec;
}
