// The same model from C++, without copies: input and output stay in the arena.
#include <cstdint>

#include "hello_sine.h"

extern "C" float sine(float angle)
{
    alignas(HELLO_SINE_ARENA_ALIGNMENT) std::uint8_t arena[HELLO_SINE_ARENA_BYTES];

    *hello_sine_input_in_arena(arena) = hello_sine_quantize_input(angle);
    hello_sine_run(arena, nullptr, nullptr);
    return hello_sine_dequantize_output(*hello_sine_output_in_arena(arena));
}
