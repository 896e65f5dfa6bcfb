#include "eq/signal.h"

void eq_signal_count_ref(const eq_signal_count_params *p, const int32_t *held, int32_t *enough, int32_t *next)
{
    const int32_t available = *held ? *held : p->first;
    *enough = available >= p->need;
    *next = available - (*enough ? p->step : 0) + 1;
}
