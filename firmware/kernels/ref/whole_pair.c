#include "eq/whole_pair.h"

EQ_WALK(walk_whole, int32_t)

/* Sums, differences and products modulo 2^32. */
static int32_t from_bits(uint32_t bits)
{
    return (int32_t)bits;
}

static int32_t quotient(int32_t x, int32_t y)
{
    return y == 0 ? 0 : y == -1 ? from_bits(0u - (uint32_t)x) : x / y;
}

static int32_t remainder_of(int32_t x, int32_t y)
{
    return y == 0 || y == -1 ? 0 : x % y;
}

static int32_t modulus(int32_t x, int32_t y)
{
    const int32_t left = remainder_of(x, y);
    return left != 0 && (left < 0) != (y < 0) ? left + y : left;
}

static int32_t power(int32_t x, int32_t y)
{
    if (y < 0) {
        return x == 1 ? 1 : x == -1 ? (y & 1 ? -1 : 1) : 0;
    }
    uint32_t result = 1, base = (uint32_t)x;
    for (; y != 0; y >>= 1) {
        if (y & 1) {
            result *= base;
        }
        base *= base;
    }
    return from_bits(result);
}

static int32_t function_of(const eq_whole_pair_params *p, int32_t left, int32_t right)
{
    const int32_t x = p->swapped ? right : left, y = p->swapped ? left : right;
    switch (p->function) {
    case EQ_WHOLE_ADD:
        return from_bits((uint32_t)x + (uint32_t)y);
    case EQ_WHOLE_SUB:
        return from_bits((uint32_t)x - (uint32_t)y);
    case EQ_WHOLE_MUL:
        return from_bits((uint32_t)x * (uint32_t)y);
    case EQ_WHOLE_DIV:
        return quotient(x, y);
    case EQ_WHOLE_MOD:
        return modulus(x, y);
    case EQ_WHOLE_FMOD:
        return remainder_of(x, y);
    case EQ_WHOLE_MINIMUM:
        return x < y ? x : y;
    case EQ_WHOLE_MAXIMUM:
        return x > y ? x : y;
    case EQ_WHOLE_AND:
        return x & y;
    case EQ_WHOLE_OR:
        return x | y;
    case EQ_WHOLE_XOR:
        return x ^ y;
    case EQ_WHOLE_SHIFT_LEFT:
        return y < 0 || y > 31 ? 0 : from_bits((uint32_t)x << y);
    case EQ_WHOLE_SHIFT_RIGHT:
        return x >> (y < 0 || y > 31 ? 31 : y);
    case EQ_WHOLE_POWER:
        return power(x, y);
    case EQ_WHOLE_LESS:
        return x < y;
    default:
        return x == y;
    }
}

/* The bits that the result has. */
static int32_t narrowed(const eq_whole_pair_params *p, int32_t x)
{
    const uint32_t high = (uint32_t)x << p->unused;
    return p->is_signed ? from_bits(high) >> p->unused : from_bits(high >> p->unused);
}

void eq_whole_pair_ref(const eq_whole_pair_params *p, const int32_t *a, const int32_t *b, int32_t *output)
{
    EQ_FOR_EACH_PAIR_OF(walk_whole, int32_t, p, a, b, output, narrowed(p, function_of(p, x, y)));
}

void eq_whole_pair_const_ref(const eq_whole_pair_params *p, const int32_t *a, int32_t *output)
{
    EQ_FOR_EACH_PAIR_OF(walk_whole, int32_t, p, a, p->constant, output, narrowed(p, function_of(p, x, y)));
}
