//! The leveled RLWE scheme. The only room that sees secrets.

mod relin;

pub use relin::RelinKey;
