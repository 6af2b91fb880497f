//! A question that is answered on another thread.

use crate::failed;
use everflame_store::{Store, StoreError};
use napi::bindgen_prelude::{Buffer, Env, Error, Result, Status, Task};
use std::sync::Arc;

type Answer = std::result::Result<Vec<u8>, StoreError>;
type Ask = dyn FnOnce(&Store) -> Answer + Send;

pub struct Question {
    store: Arc<Store>,
    ask: Option<Box<Ask>>,
}

impl Question {
    pub(crate) fn new(
        store: Arc<Store>,
        ask: impl FnOnce(&Store) -> Answer + Send + 'static,
    ) -> Question {
        Question {
            store,
            ask: Some(Box::new(ask)),
        }
    }
}

impl Task for Question {
    type Output = Vec<u8>;
    type JsValue = Buffer;

    fn compute(&mut self) -> Result<Vec<u8>> {
        let ask = self
            .ask
            .take()
            .ok_or_else(|| Error::new(Status::GenericFailure, "FAILED: it is asked once"))?;
        ask(&self.store).map_err(failed)
    }

    fn resolve(&mut self, _: Env, answer: Vec<u8>) -> Result<Buffer> {
        Ok(answer.into())
    }
}
